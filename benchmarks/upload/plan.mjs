// node plan.mjs FILE START LENGTH: the page's layout of a file as JSON, with ms and MB it took.

import { openAsBlob } from "node:fs";
import { layouts } from "../../static/js/ranges/layout.js";

const [path, start, length] = process.argv.slice(2);
const before = process.memoryUsage().rss;
const began = performance.now();
const file = Object.assign(await openAsBlob(path), { name: path });
const layout = await layouts(file)(Number(start), Number(length));
const ms = performance.now() - began;
const mb = (process.resourceUsage().maxRSS * 1024 - before) / 1e6;
console.log(JSON.stringify({ ms, mb, layout: layout && { size: layout.size, ranges: layout.ranges } }));
