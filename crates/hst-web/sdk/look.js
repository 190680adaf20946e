/** So far outside of what is scrolled to, an element counts as seen: its picture is there when it comes in. */
const MARGIN = '100px';

/**
 * @typedef {{ width: number, height: number }} Size
 *
 * @typedef {object} Look
 * @property {boolean} isNear whether it is where the user sees it
 * @property {boolean} wasThere whether it has ever been in the page
 */

/** How large elements show their pictures, and whether anybody can see them. */
export class Looks {
  /** Called when something of that may have changed. */
  onChange = () => {};
  /** @type {Map<HTMLMediaElement, Look>} */
  #looks = new Map();
  /** @type {{ watch: (element: Element) => void, unwatch: (element: Element) => void, end: () => void } | null} */
  #eyes = null;

  /** @param {HTMLMediaElement} element */
  watch(element) {
    if (this.#looks.has(element) || !canLook()) return;
    this.#looks.set(element, { isNear: true, wasThere: element.isConnected });
    this.#eyes ??= this.#open();
    this.#eyes.watch(element);
  }

  /** @param {HTMLMediaElement} element */
  unwatch(element) {
    if (!this.#looks.delete(element)) return;
    this.#eyes?.unwatch(element);
    if (this.#looks.size > 0) return;
    this.#eyes?.end();
    this.#eyes = null;
  }

  /**
   * The height of the picture that an element can show, in pixels: 0 when nobody sees it, `Infinity` for all that there
   * is, null when the element does not tell.
   * @param {HTMLMediaElement} element
   * @returns {number | null}
   */
  heightOf(element) {
    const look = this.#looks.get(element);
    if (!look || isApart(element)) return Infinity;
    if (document.visibilityState === 'hidden') return 0;
    look.wasThere ||= element.isConnected;
    // One that was never in the page may be painted on a canvas there.
    if (!look.wasThere) return Infinity;
    const video = /** @type {HTMLVideoElement} */ (element);
    const picture = { width: video.videoWidth, height: video.videoHeight };
    // Pages show some elements only when they have their first picture.
    if (picture.width * picture.height === 0) return Infinity;
    const box = { width: element.clientWidth, height: element.clientHeight };
    if (!element.isConnected || !look.isNear || box.width * box.height === 0) return 0;
    const isFree = hasSizeOfPicture(element, box, picture);
    if (isFree !== false) return isFree ? Infinity : null;
    return shownHeight(box, picture, getComputedStyle(element).objectFit) * devicePixelRatio;
  }

  #open() {
    const tell = () => this.onChange();
    const sizes = new ResizeObserver(tell);
    const places = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const look = this.#looks.get(/** @type {HTMLMediaElement} */ (target));
          if (look) look.isNear = isIntersecting;
        }
        tell();
      },
      { rootMargin: MARGIN },
    );
    document.addEventListener('visibilitychange', tell);
    // Also when the page is zoomed, or moved to another screen.
    addEventListener('resize', tell);
    return {
      watch: (/** @type {Element} */ element) => {
        sizes.observe(element);
        places.observe(element);
        for (const event of PICTURE_EVENTS) element.addEventListener(event, tell);
      },
      unwatch: (/** @type {Element} */ element) => {
        sizes.unobserve(element);
        places.unobserve(element);
        for (const event of PICTURE_EVENTS) element.removeEventListener(event, tell);
      },
      end: () => {
        sizes.disconnect();
        places.disconnect();
        document.removeEventListener('visibilitychange', tell);
        removeEventListener('resize', tell);
      },
    };
  }
}

/** An element has another picture, or shows it in a window of its own. */
const PICTURE_EVENTS = ['resize', 'enterpictureinpicture', 'leavepictureinpicture'];

/**
 * Whether an element, or its picture, is in a window of its own, which says nothing of its size.
 * @param {HTMLMediaElement} element
 */
function isApart(element) {
  return element.ownerDocument !== document || document.pictureInPictureElement === element;
}

/** Where a browser cannot tell, everything is seen in full. */
function canLook() {
  return typeof ResizeObserver === 'function' && typeof IntersectionObserver === 'function';
}

/**
 * Whether an element takes its size from its picture: then a smaller picture makes it smaller, and nobody can tell by it
 * what is wanted. Null where the browser does not know.
 * @param {HTMLMediaElement} element
 * @param {Size} box
 * @param {Size} picture
 */
function hasSizeOfPicture(element, box, picture) {
  const style = element.computedStyleMap?.();
  if (style) return ['width', 'height'].every((name) => String(style.get(name)) === 'auto');
  return box.width === picture.width && box.height === picture.height ? null : false;
}

/**
 * The height of a picture as it is shown in a box, parts outside of it included.
 * @param {Size} box
 * @param {Size} picture
 * @param {string} fit `object-fit`
 */
export function shownHeight(box, picture, fit) {
  if (fit === 'none') return Infinity;
  const scales = [box.width / picture.width, box.height / picture.height];
  const isFilled = fit === 'cover' || fit === 'fill';
  return picture.height * (isFilled ? Math.max(...scales) : Math.min(...scales));
}
