// Which colours the texts of a page have, and whether they can be told apart.

export interface ColouredText {
  readonly text: string;
  /** As CSS tells colours: `rgb(29, 34, 38)`. */
  readonly ink: string;
  readonly ground: string;
}

/** Runs in the page. */
export const coloursOfTexts = `(() => {
  const groundOf = (element) => {
    const { backgroundColor } = getComputedStyle(element);
    return backgroundColor === "rgba(0, 0, 0, 0)" && element.parentElement
      ? groundOf(element.parentElement)
      : backgroundColor;
  };
  const hasText = ({ childNodes }) => [...childNodes].some(({ nodeType, data }) => nodeType === 3 && data.trim());
  return [...document.querySelectorAll("body *")]
    .filter((element) => hasText(element) && element.checkVisibility())
    .map((element) => ({
      text: element.textContent.slice(0, 40),
      ink: getComputedStyle(element).color,
      ground: groundOf(element),
    }));
})()`;

/** WCAG 2.2, "contrast ratio". */
export function contrast(ink: string, ground: string): number {
  const [darker = 0, lighter = 0] = [luminance(ink), luminance(ground)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

/** WCAG 2.2, "relative luminance". */
export function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = (colour.match(/\d+/g) ?? []).map((channel) => {
    const part = Number(channel) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
