// Unpacks the Chromium of the package in FOLDER to $TMPDIR. Usage: node unpack.mjs FOLDER
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import process from "node:process";

const found = createRequire(`${process.argv[2]}/`).resolve("@sparticuz/chromium");
const { default: chromium } = await import(pathToFileURL(found));
process.stdout.write(await chromium.executablePath());
