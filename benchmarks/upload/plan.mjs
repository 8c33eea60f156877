// node plan.mjs FILE START LENGTH: print the page's layout of a file as JSON, with the time in ms and
// the memory in MB that finding it took.

import { openAsBlob } from "node:fs";
import { layoutFinder } from "../../static/js/ranges/layout.js";

const [path, start, length] = process.argv.slice(2);
const before = process.memoryUsage().rss;
const began = performance.now();
const file = Object.assign(await openAsBlob(path), { name: path });
const layout = await layoutFinder(file)(Number(start), Number(length));
const ms = performance.now() - began;
const mb = (process.resourceUsage().maxRSS * 1024 - before) / 1e6;
console.log(JSON.stringify({ ms, mb, layout: layout && { size: layout.size, ranges: layout.ranges } }));
