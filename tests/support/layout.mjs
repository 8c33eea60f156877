// node layout.mjs FILE START LENGTH [thorough]: print the layout that the page would send.

import { openAsBlob } from "node:fs";
import { layoutFinder } from "../../static/js/ranges/layout.js";

const [path, start, length, thorough] = process.argv.slice(2);
const file = Object.assign(await openAsBlob(path), { name: path });
const layout = await layoutFinder(file)(Number(start), Number(length), { thorough: Boolean(thorough) });
console.log(JSON.stringify(layout && { size: layout.size, ranges: layout.ranges }));
