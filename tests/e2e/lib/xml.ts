// XML as manifests use it: elements, attributes, text, comments. Throws at whatever is not well-formed.

export type Element = { name: string; attributes: Record<string, string>; children: Element[]; text: string };

const entities: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
function plain(text: string): string {
  if (text.includes('<')) throw new Error('< within a value');
  return text.replace(/&(#x[0-9a-fA-F]+|#\d+|\w*)(;?)/g, (all, name: string, end: string) => {
    const code = name.startsWith('#x') ? parseInt(name.slice(2), 16) : name.startsWith('#') ? Number(name.slice(1)) : undefined;
    const value = code === undefined ? entities[name] : String.fromCodePoint(code);
    if (value === undefined || !end) throw new Error(`entity ${all}`);
    return value;
  });
}

const nameAt = /[A-Za-z_][\w.:-]*/y;
const attributeAt = /\s+([A-Za-z_][\w.:-]*)\s*=\s*("[^"]*"|'[^']*')/y;

export function parseXml(text: string): Element {
  let at = 0;
  const fail = (what: string): never => { throw new Error(`XML, character ${at}: ${what}`); };
  const take = (re: RegExp) => {
    re.lastIndex = at;
    const m = re.exec(text);
    if (m) at = re.lastIndex;
    return m;
  };
  const skip = () => { while (take(/\s+|<!--(?:(?!--)[\s\S])*-->/y)); };

  function element(): Element {
    if (text[at] !== '<') fail('an element was expected');
    at += 1;
    const name = (take(nameAt) ?? fail('a name was expected'))[0];
    const e: Element = { name, attributes: {}, children: [], text: '' };
    for (let m; (m = take(attributeAt));) {
      if (m[1] in e.attributes) fail(`${m[1]} twice`);
      e.attributes[m[1]] = plain(m[2].slice(1, -1));
    }
    if (take(/\s*\/>/y)) return e;
    if (!take(/\s*>/y)) fail(`<${name} is not closed`);
    for (;;) {
      e.text += plain(take(/[^<]*/y)![0]);
      if (take(/<!--(?:(?!--)[\s\S])*-->/y)) continue;
      if (text.startsWith('</', at)) break;
      if (at >= text.length) fail(`<${name}> has no end`);
      e.children.push(element());
    }
    const end = take(/<\/([\w.:-]+)\s*>/y);
    if (end?.[1] !== name) fail(`</${end?.[1]}> ends <${name}>`);
    return e;
  }

  take(/<\?xml\s[^?]*\?>/y);
  skip();
  const root = element();
  skip();
  if (at !== text.length) fail('something after the end');
  return root;
}
