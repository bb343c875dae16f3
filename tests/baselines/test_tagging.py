import json

import pytest

from unrolled.baselines.tagging import MostFrequentTag
from unrolled.errors import ModelFileError

SENTENCES = [["in", "Rome", "in"], ["Rome", "it"], ["it", "Bo"]]
TAGS = [["O", "B-x", "O"], ["B-y", "O"], ["O", "B-y"]]


def test_each_words_most_frequent_tag_and_else_the_most_frequent_of_all():
    plain = MostFrequentTag.fit(SENTENCES, TAGS)
    assert plain.tags[0] == "O" and plain.words == ("Bo", "Rome")
    assert plain.predict([["Rome", "Bo", "new"]]) == [["B-x", "B-y", "O"]]  # of equals the first in order
    again = MostFrequentTag.from_card(json.loads(json.dumps(plain.card())))
    assert again == plain


@pytest.mark.parametrize("damage", [{"places": [9, 9]}, {"places": [0]}, {"tags": []}, {"words": [1, 2]}])
def test_a_damaged_card_is_refused(damage):
    with pytest.raises(ModelFileError, match=r"card\.baseline"):
        MostFrequentTag.from_card(MostFrequentTag.fit(SENTENCES, TAGS).card() | damage)
