"use strict";
(function () {
  const data = JSON.parse(document.getElementById("live-numbers").textContent);
  const root = document.getElementById("live");
  const canvas = document.getElementById("live-canvas"), slider = document.getElementById("live-time");
  const play = document.getElementById("live-play"), choice = document.getElementById("live-map");
  const now = document.getElementById("live-now");
  const steps = data.labels.length, names = Object.keys(data.maps);
  let time = steps - 1, timer = 0;

  for (const name of names) choice.add(new Option(name, name));
  slider.max = String(steps - 1);
  slider.value = String(time);

  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const lineColours = ["--blue", "--orange", "--green", "--pink"];

  function lines(pen, group, box, text) {
    const series = Object.entries(group);
    if (!series.length) return;
    const own = series.length > 1 && group === data.inputs;  // columns of different units: each has its range
    const all = range(series.flatMap(([, values]) => values));
    const middle = (i) => box.x + (i + 0.5) * box.w / steps;
    pen.fillStyle = text.grey;
    pen.textAlign = "left";
    const bare = series.map(([name]) => name.length > 30 ? name.slice(0, 29) + "…" : name);
    const full = bare.map((name, k) => own ? name + " (" + range(series[k][1]).map(short).join(" to ") + ")" : name);
    const wide = full.reduce((sum, name) => sum + pen.measureText(name).width + 34, 0) > box.w + 34;
    let x = box.x;
    (wide ? bare : full).forEach((name, k) => {
      pen.fillStyle = colour(lineColours[k % 4]);
      pen.fillRect(x, box.y - 9, 12, 3);
      pen.fillStyle = text.grey;
      pen.fillText(name, x + 16, box.y - 4);
      x += pen.measureText(name).width + (wide ? 26 : 34);
    });
    series.forEach(([, values], k) => {
      const [low, high] = own ? range(values) : all, span = high - low || 1;
      if (low === undefined) return;
      pen.strokeStyle = colour(lineColours[k % 4]);
      pen.lineWidth = 1.6;
      pen.beginPath();
      let drawing = false;
      values.forEach((v, i) => {
        if (v === null || i > time) { drawing = false; return; }
        const y = box.y + box.h - (v - low) / span * box.h;
        if (drawing) pen.lineTo(middle(i), y); else pen.moveTo(middle(i), y);
        drawing = true;
      });
      pen.stroke();
      if (k === 0 && !own) {
        pen.fillStyle = text.grey;
        pen.textAlign = "right";
        pen.fillText(short(high), box.x - 6, box.y + 8);
        pen.fillText(short(low), box.x - 6, box.y + box.h);
        pen.textAlign = "left";
      }
    });
  }

  function range(values) {
    const known = values.filter((v) => v !== null);
    return known.length ? [Math.min(...known), Math.max(...known)] : [];
  }

  function short(v) {
    return Math.abs(v) >= 1e4 || (v && Math.abs(v) < 1e-2) ? v.toExponential(1) : String(+v.toPrecision(3));
  }

  function heat(pen, map, box) {
    const rows = map.rows.length, w = box.w / steps, h = box.h / rows, signed = map.low < 0;
    const up = colour("--blue"), down = colour("--red");
    pen.fillStyle = colour("--faint");
    pen.globalAlpha = 0.35;
    pen.fillRect(box.x, box.y, box.w, box.h);
    for (let r = 0; r < rows; r++) {
      for (let i = 0; i <= time; i++) {
        const v = map.rows[r][i] / 255;
        const size = signed ? Math.abs(2 * v - 1) : v;
        pen.globalAlpha = 0.03 + 0.97 * size;
        pen.fillStyle = signed && v < 0.5 ? down : up;
        pen.fillRect(box.x + i * w, box.y + r * h, w + 0.3, h + 0.3);
      }
    }
    pen.globalAlpha = 1;
  }

  function chain(pen, map, box, text) {
    const shown = Math.max(3, Math.min(7, Math.floor(box.w / 78))), gap = 22;
    const w = (box.w - gap * (shown - 1)) / shown, rows = map.rows.length, signed = map.low < 0;
    for (let k = 0; k < shown; k++) {
      const i = time - (shown - 1 - k), x = box.x + k * (w + gap);
      pen.strokeStyle = k === shown - 1 ? colour("--blue") : text.grey;
      pen.lineWidth = k === shown - 1 ? 2 : 1;
      pen.globalAlpha = i < 0 ? 0.25 : 1;
      pen.strokeRect(x, box.y, w, box.h);
      if (i >= 0) {
        for (let r = 0; r < rows; r++) {
          const v = map.rows[r][i] / 255, bar = signed ? (2 * v - 1) * (w / 2 - 3) : v * (w - 6);
          pen.fillStyle = bar < 0 ? colour("--red") : colour("--blue");
          const start = signed ? x + w / 2 : x + 3, y = box.y + 3 + r * (box.h - 6) / rows;
          pen.fillRect(Math.min(start, start + bar), y, Math.abs(bar), Math.max(1, (box.h - 6) / rows - 0.6));
        }
        pen.fillStyle = text.grey;
        pen.textAlign = "center";
        const label = i === time ? "t" : "t−" + (time - i);
        pen.fillText(label, x + w / 2, box.y + box.h + 14);
      }
      if (k < shown - 1) {
        const y = box.y + box.h / 2;
        pen.strokeStyle = text.grey;
        pen.beginPath();
        pen.moveTo(x + w + 3, y);
        pen.lineTo(x + w + gap - 4, y);
        pen.lineTo(x + w + gap - 9, y - 4);
        pen.moveTo(x + w + gap - 4, y);
        pen.lineTo(x + w + gap - 9, y + 4);
        pen.stroke();
      }
      pen.globalAlpha = 1;
    }
    pen.textAlign = "left";
  }

  function draw() {
    const width = canvas.clientWidth, ratio = window.devicePixelRatio || 1;
    const hasInputs = Object.keys(data.inputs).length > 0, hasAnswers = Object.keys(data.answers).length > 0;
    const left = 44, map = data.maps[choice.value];
    const boxes = {};
    let y = 20;
    const add = (name, h) => { boxes[name] = { x: left, y: y, w: width - left - 6, h: h }; y += h + 34; };
    add("chain", 92);
    if (hasInputs) add("inputs", 64);
    add("map", Math.min(220, Math.max(90, 7 * map.rows.length)));
    if (hasAnswers) add("answers", 64);
    const height = y - 4;
    canvas.style.height = height + "px";
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.font = "12px " + getComputedStyle(root).fontFamily;
    const text = { ink: colour("--ink"), grey: colour("--grey") };
    pen.fillStyle = text.grey;
    pen.fillText("unrolled: the " + choice.value + " of the last steps", boxes.chain.x, boxes.chain.y - 6);
    chain(pen, map, boxes.chain, text);
    if (hasInputs) lines(pen, data.inputs, boxes.inputs, text);
    pen.fillStyle = text.grey;
    const range = short(map.low) + " to " + short(map.high);
    pen.fillText(choice.value + " (" + map.rows.length + " units, " + range + ")", boxes.map.x, boxes.map.y - 6);
    heat(pen, map, boxes.map);
    if (hasAnswers) lines(pen, data.answers, boxes.answers, text);
    pen.fillStyle = text.grey;
    pen.textAlign = "right";
    pen.fillText("time (" + data.unit + ") →", width - 6, height - 4);
    pen.strokeStyle = text.ink;
    pen.lineWidth = 1;
    const x = left + (time + 0.5) * (width - left - 6) / steps;
    for (const name of ["inputs", "map", "answers"]) {
      if (!boxes[name]) continue;
      pen.beginPath();
      pen.moveTo(x, boxes[name].y);
      pen.lineTo(x, boxes[name].y + boxes[name].h);
      pen.stroke();
    }
    tell();
  }

  function tell() {
    const parts = ["step " + (time + 1) + " of " + steps + " (" + data.labels[time] + ")"];
    for (const group of [data.inputs, data.answers]) {
      for (const [name, values] of Object.entries(group)) {
        if (values[time] !== null) parts.push(name + " " + short(values[time]));
      }
    }
    now.textContent = parts.join(" · ");
  }

  function go(to) {
    time = Math.max(0, Math.min(steps - 1, to));
    slider.value = String(time);
    draw();
  }

  function stop() {
    clearInterval(timer);
    timer = 0;
    play.textContent = "▶";
    play.setAttribute("aria-label", "Play");
  }

  slider.addEventListener("input", () => { stop(); go(Number(slider.value)); });
  choice.addEventListener("change", draw);
  play.addEventListener("click", () => {
    if (timer) { stop(); return; }
    if (time === steps - 1) time = -1;
    play.textContent = "❚❚";
    play.setAttribute("aria-label", "Pause");
    timer = setInterval(() => { if (time >= steps - 1) stop(); else go(time + 1); }, 120);
  });
  function point(event) {
    const box = canvas.getBoundingClientRect(), left = 44;
    const share = (event.clientX - box.left - left) / (box.width - left - 6);
    if (share >= 0 && share <= 1) { stop(); go(Math.floor(share * steps)); }
  }
  canvas.addEventListener("pointerdown", point);
  canvas.addEventListener("pointermove", (event) => { if (event.buttons) point(event); });
  window.addEventListener("resize", draw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
})();
