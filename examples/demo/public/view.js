/** Helpers that put data on the page. All text goes through `textContent`, so no name can smuggle in markup. */

export const byId = (id) => document.getElementById(id);

/**
 * @param {string} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Makes a list show `items`, and keeps the nodes of those that it shows already: focus and open details stay.
 *
 * @param {HTMLElement} list
 * @param {{ id: string }[]} items
 * @param {(item: any) => HTMLElement} make
 * @param {(node: HTMLElement, item: any) => void} update
 */
export function syncList(list, items, make, update) {
  const old = new Map([...list.children].map((node) => [node.dataset.id, node]));
  items.forEach((item, index) => {
    const node = old.get(item.id) ?? make(item);
    old.delete(item.id);
    node.dataset.id = item.id;
    update(node, item);
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
  for (const node of old.values()) node.remove();
}

/** The parts of a node that carry `data-part`, by name. */
export const parts = (node) => Object.fromEntries([...node.querySelectorAll('[data-part]')].map((part) => [part.dataset.part, part]));

/** @param {number} ms */
export function clock(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** @param {number} at */
export const timeOfDay = (at) => new Date(at).toLocaleTimeString(undefined, { timeStyle: 'medium' });

/** An element whose text counts down to a moment. */
export function countDownTo(node, deadline) {
  node.dataset.deadline = String(deadline);
  node.textContent = clock(deadline - Date.now());
}

/** Renews every countdown of the page. */
export function tickCountdowns() {
  for (const node of document.querySelectorAll('[data-deadline]')) {
    node.textContent = clock(Number(node.dataset.deadline) - Date.now());
  }
}
