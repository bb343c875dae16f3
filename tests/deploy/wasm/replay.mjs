// Steps through the rows of an export and prints the answers; half of them after the state went through bytes.
import { readFile } from "node:fs/promises";

const [folder, name] = process.argv.slice(2);
const { model, open } = await import(`${folder}/${name}.js`);
const given = JSON.parse(await readFile(`${folder}/${name}_rows.json`, "utf8"));
const series = model.needsSeries ? given.series : null;
let stream = await open({ series });
const answers = given.rows.map((row, place) => {
  const ahead = model.ahead.length ? given.ahead.slice(place + 1, place + 1 + model.horizon) : null;
  const answer = stream.step(row, ahead);
  return answer && Array.from(answer);
});

const told = [];
for (const wrong of [() => stream.step(given.rows[0].map(() => "text"), given.ahead.slice(0, model.horizon)), () => stream.restore(new Uint8Array(3))]) {
  try { wrong(); told.push("nothing"); } catch (error) { told.push(error.message); }
}

const first = await open({ series }), other = await open({ series });
const half = given.rows.length >> 1;
const at = (one, place) => one.step(given.rows[place], model.ahead.length ? given.ahead.slice(place + 1, place + 1 + model.horizon) : null);
for (let place = 0; place < half; ++place) at(first, place);
other.restore(first.state);
const later = [];
for (let place = half; place < given.rows.length; ++place) later.push(Array.from(at(other, place) ?? []));
const same = later.every((answer, k) => answer.every((value, i) => value === answers[half + k][i]));
console.log(JSON.stringify({ answers, told, same }));
