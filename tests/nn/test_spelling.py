import pytest
import torch

from unrolled.nn import Spelling


@pytest.mark.parametrize("kind", ["cnn", "lstm"])
def test_padding_and_other_words_change_nothing(kind):
    torch.manual_seed(0)
    spelling = Spelling(10, 4, 6, kind)
    codes, lengths = torch.tensor([[1, 2, 3], [4, 0, 0]]), torch.tensor([3, 1])
    found = spelling(codes, lengths)
    assert found.shape == (2, spelling.width) == (2, 6)
    torch.testing.assert_close(spelling(torch.tensor([[4, 9, 9, 9]]), torch.tensor([1])), found[1:])
    assert not torch.equal(spelling(codes.flip(1), lengths)[0], found[0])


def test_the_convolution_sees_three_neighbours():
    torch.manual_seed(0)
    spelling = Spelling(5, 2, 2, "cnn")
    table, kernel, bias = spelling.table.weight, spelling.reader.weight, spelling.reader.bias
    word = torch.tensor([1, 2])
    padded = torch.cat([torch.zeros(1, 2), table[word], torch.zeros(1, 2)])
    expected = [sum(kernel[:, :, k] @ padded[t + k] for k in range(3)) + bias for t in range(2)]
    torch.testing.assert_close(spelling(word[None], torch.tensor([2]))[0], torch.stack(expected).amax(0))
