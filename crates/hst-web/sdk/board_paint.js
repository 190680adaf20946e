/**
 * @typedef {import('./board_state.js').Figure} Figure
 * @typedef {{ left: number, top: number, right: number, bottom: number }} Box in tenths of a pixel of the board
 */

/** How far from each other the lines of a text are, in heights of its letters. */
const LINE_HEIGHT = 1.25;
/** Into how many straight pieces an outline is taken for touching it. */
const PIECES = 32;

/** What a figure is painted along, kept as long as the figure is. @type {WeakMap<Figure, Path2D>} */
const paths = new WeakMap();
/** @type {WeakMap<Figure, Box>} */
const boxes = new WeakMap();
/** Knows how wide texts are. @type {CanvasRenderingContext2D | null} */
let ruler = null;

/**
 * @param {CanvasRenderingContext2D} canvas one unit is a tenth of a pixel of the board
 * @param {Figure} figure
 */
export function paint(canvas, figure) {
  const color = colorOf(figure);
  if (figure.kind === 'text') {
    canvas.fillStyle = color;
    canvas.font = fontOf(figure);
    canvas.textBaseline = 'top';
    const [x, y] = figure.points;
    linesOf(figure).forEach((line, at) => canvas.fillText(line, x, y + at * figure.size * LINE_HEIGHT));
    return;
  }
  canvas.strokeStyle = color;
  canvas.lineWidth = figure.size;
  canvas.lineCap = 'round';
  canvas.lineJoin = 'round';
  canvas.stroke(pathOf(figure));
}

/** @param {Figure} figure */
export function fontOf(figure) {
  return `${figure.size}px sans-serif`;
}

/** @param {Figure} figure */
export function colorOf({ color = 0 }) {
  return `#${color.toString(16).padStart(6, '0')}`;
}

/**
 * All that a figure covers.
 * @param {Figure} figure
 * @returns {Box}
 */
export function boxOf(figure) {
  const known = boxes.get(figure);
  if (known) return known;
  const box = figure.kind === 'text' ? textBox(figure) : outlineBox(figure);
  boxes.set(figure, box);
  return box;
}

/**
 * @param {Box} a
 * @param {Box} b
 */
export function overlaps(a, b) {
  return a.left <= b.right && b.left <= a.right && a.top <= b.bottom && b.top <= a.bottom;
}

/**
 * What covers them all.
 * @param {Box[]} boxes
 * @returns {Box}
 */
export function around(boxes) {
  return {
    left: Math.min(...boxes.map(({ left }) => left)),
    top: Math.min(...boxes.map(({ top }) => top)),
    right: Math.max(...boxes.map(({ right }) => right)),
    bottom: Math.max(...boxes.map(({ bottom }) => bottom)),
  };
}

/**
 * Whether a figure is touched at a place, or within reach of it.
 * @param {Figure} figure
 * @param {number} x
 * @param {number} y
 * @param {number} reach
 */
export function isTouched(figure, x, y, reach) {
  if (!overlaps(boxOf(figure), { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach })) return false;
  if (figure.kind === 'text') return true;
  const outline = outlineOf(figure);
  const far = reach + figure.size / 2;
  if (outline.length === 1) return Math.hypot(outline[0][0] - x, outline[0][1] - y) <= far;
  return outline.some((to, at) => at > 0 && distance(x, y, outline[at - 1], to) <= far);
}

/**
 * The points of a figure, each by its own place.
 * @param {Figure} figure
 * @returns {[number, number][]}
 */
export function placesOf({ points }) {
  /** @type {[number, number][]} */
  const places = [];
  let [x, y] = [0, 0];
  for (let at = 0; at + 1 < points.length; at += 2) {
    x += points[at];
    y += points[at + 1];
    places.push([x, y]);
  }
  return places;
}

/** @param {Figure} figure */
function pathOf(figure) {
  const known = paths.get(figure);
  if (known) return known;
  const path = new Path2D();
  const places = placesOf(figure);
  const [[x, y], [toX, toY] = [x, y]] = places;
  if (figure.kind === 'rect') {
    path.rect(Math.min(x, toX), Math.min(y, toY), Math.abs(toX - x), Math.abs(toY - y));
  } else if (figure.kind === 'ellipse') {
    path.ellipse((x + toX) / 2, (y + toY) / 2, Math.abs(toX - x) / 2, Math.abs(toY - y) / 2, 0, 0, 2 * Math.PI);
  } else if (figure.kind === 'line') {
    path.moveTo(x, y);
    path.lineTo(toX, toY);
  } else {
    bend(path, places);
  }
  paths.set(figure, path);
  return path;
}

/**
 * A smooth way: through the middle of each piece, bent towards the points.
 * @param {Path2D} path
 * @param {[number, number][]} places
 */
function bend(path, places) {
  const [[x, y]] = places;
  const [lastX, lastY] = places[places.length - 1];
  path.moveTo(x, y);
  for (let at = 1; at < places.length - 1; at += 1) {
    const [fromX, fromY] = places[at];
    const [toX, toY] = places[at + 1];
    path.quadraticCurveTo(fromX, fromY, (fromX + toX) / 2, (fromY + toY) / 2);
  }
  // A piece without length is not painted everywhere: a dot is a very short one.
  path.lineTo(places.length === 1 ? lastX + 0.1 : lastX, lastY);
}

/**
 * Straight pieces that are close to where a figure is painted.
 * @param {Figure} figure
 * @returns {[number, number][]}
 */
function outlineOf(figure) {
  const places = placesOf(figure);
  const [[x, y], [toX, toY] = [x, y]] = places;
  if (figure.kind === 'rect') return [[x, y], [toX, y], [toX, toY], [x, toY], [x, y]]; // prettier-ignore
  if (figure.kind !== 'ellipse') return places;
  return Array.from({ length: PIECES + 1 }, (_, at) => {
    const turn = (2 * Math.PI * at) / PIECES;
    return [(x + toX) / 2 + (Math.cos(turn) * (toX - x)) / 2, (y + toY) / 2 + (Math.sin(turn) * (toY - y)) / 2];
  });
}

/** @param {Figure} figure */
function outlineBox(figure) {
  const places = placesOf(figure);
  const margin = figure.size / 2 + 1;
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const [x, y] of places) {
    box.left = Math.min(box.left, x - margin);
    box.top = Math.min(box.top, y - margin);
    box.right = Math.max(box.right, x + margin);
    box.bottom = Math.max(box.bottom, y + margin);
  }
  return box;
}

/** @param {Figure} figure */
function textBox(figure) {
  ruler ??= document.createElement('canvas').getContext('2d');
  const [left, top] = figure.points;
  const lines = linesOf(figure);
  let width = 0;
  if (ruler) {
    ruler.font = fontOf(figure);
    // Letters may lean out of their place.
    for (const line of lines) width = Math.max(width, ruler.measureText(line).width + figure.size / 2);
  }
  const margin = figure.size / 2;
  const height = figure.size * LINE_HEIGHT * lines.length;
  return { left: left - margin, top: top - margin, right: left + width, bottom: top + height + margin };
}

/** @param {Figure} figure */
function linesOf({ text = '' }) {
  return text.split('\n');
}

/**
 * From a place to a straight piece.
 * @param {number} x
 * @param {number} y
 * @param {[number, number]} from
 * @param {[number, number]} to
 */
function distance(x, y, [fromX, fromY], [toX, toY]) {
  const [wayX, wayY] = [toX - fromX, toY - fromY];
  const length = wayX * wayX + wayY * wayY;
  const along = length === 0 ? 0 : Math.min(Math.max(((x - fromX) * wayX + (y - fromY) * wayY) / length, 0), 1);
  return Math.hypot(fromX + along * wayX - x, fromY + along * wayY - y);
}
