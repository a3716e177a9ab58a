// WhatsApp's own markup: *bold* _italic_ ~struck~ `code` and blocks; addresses become links.

import { element } from "./dom.js";

const MARKUP = /```([\s\S]+?)```|`([^`\n]+)`|(?<![\p{L}\p{N}])\*(?=\S)([^*\n]*[^*\s])\*(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])_(?=\S)([^_\n]*[^_\s])_(?![\p{L}\p{N}])|(?<![\p{L}\p{N}])~(?=\S)([^~\n]*[^~\s])~(?![\p{L}\p{N}])|(https?:\/\/[^\s<>()]+)/u;

export function format(text, into) {
  let rest = text;
  for (let found; (found = MARKUP.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
    into.append(rest.slice(0, found.index));
    const [whole, block, code, bold, italic, strike, url] = found;
    if (block !== undefined) into.append(element("code", block.replace(/^\n|\n$/g, ""), "block"));
    else if (code !== undefined) into.append(element("code", code));
    else if (url !== undefined) into.append(Object.assign(element("a", url), { href: url, rel: "noreferrer noopener" }));
    else {
      const inner = element(bold !== undefined ? "strong" : italic !== undefined ? "em" : "s");
      format(bold ?? italic ?? strike ?? whole, inner);
      into.append(inner);
    }
  }
  into.append(rest);
}
