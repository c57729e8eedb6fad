// Elements with the pack's styles: each rule of style.css is below a class of its own, `tipo-...`.
export function make(tag, values, ...children) {
  const element = Object.assign(document.createElement(tag), values);
  element.append(...children);
  return element;
}

const href = new URL("./style.css", import.meta.url);
document.head.append(make("link", { rel: "stylesheet", href }));
