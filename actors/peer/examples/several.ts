/** Examples in one process, one after the other: `node several.ts <example>...` */
for (const example of process.argv.slice(2)) await import(`./${example}/main.ts`)
