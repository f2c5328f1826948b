/** `npm run docs`: links lead somewhere, snippets compile, rooms have READMEs, nothing names this machine. */
import { resolve } from 'node:path'
import { brokenLinks } from './docs/links.ts'
import { roomsWithoutReadme, tracesOfMachine } from './docs/rooms.ts'
import { checkSnippets } from './docs/snippets.ts'
import { readTexts, trackedPaths } from './docs/tree.ts'

const root = resolve(import.meta.dirname, '..')
const paths = trackedPaths(root)
const texts = readTexts(root, paths)
const pages = texts.filter(({ path }) => path.endsWith('.md'))
if (pages.length === 0) throw new Error('no Markdown file is tracked here: run this in a clone, with git on the PATH')

const snippets = checkSnippets(root, pages)
const faults = [
  ...roomsWithoutReadme(paths),
  ...brokenLinks(root, pages),
  ...snippets.errors,
  ...tracesOfMachine(texts)
]
for (const fault of faults) console.error(fault)
for (const place of snippets.ignored) console.log(`SKIP docs/${place}: marked \`ts ignore\``)
console.log(
  `docs: ${pages.length} pages, ${snippets.compiled} snippets, ${texts.length} files, ${faults.length} faults`
)
process.exitCode = faults.length > 0 ? 1 : 0
