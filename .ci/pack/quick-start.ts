import { type Fence, readMarkdown } from '../docs/markdown.ts'

/** The files a page tells its reader to make, what to run, and what it says will be printed. */
export interface QuickStart {
  readonly files: readonly { readonly name: string; readonly code: string }[]
  readonly command: string
  /** Lines; `...` in one stands for anything. */
  readonly output: readonly string[]
}

const NAMED = /^\/\/ (\S+\.ts)\n/
const SHOWN = /^\$ (npx node \S+)\n/

/** The name of the file a snippet is, where its first line is `// <name>.ts`. */
export const nameOf = ({ code }: Pick<Fence, 'code'>): string | undefined => NAMED.exec(code)?.[1]

/** @throws Error where a page has no named snippet, or none that begins with `$ npx node` */
export function readQuickStart(text: string): QuickStart {
  const { fences } = readMarkdown(text)
  const files = fences.flatMap((fence) => {
    const name = fence.language === 'ts' ? nameOf(fence) : undefined
    return name === undefined ? [] : [{ name, code: fence.code }]
  })
  const shown = fences.find(({ code }) => SHOWN.test(code))
  const command = SHOWN.exec(shown?.code ?? '')?.[1]
  if (files.length === 0 || shown === undefined || command === undefined) {
    throw new Error(
      'this page has no quick start: snippets that begin with `// <name>.ts`, and one with `$ npx node <name>.ts`'
    )
  }
  return { files, command, output: shown.code.split('\n').slice(1) }
}

/** The first line of `printed` that is not as `expected` says; undefined where all are. */
export function difference(expected: readonly string[], printed: readonly string[]): string | undefined {
  for (let row = 0; row < Math.max(expected.length, printed.length); row++) {
    const [wanted, line] = [expected[row], printed[row]]
    if (wanted === undefined || line === undefined || !pattern(wanted).test(line)) {
      return `line ${row + 1}: the page says ${JSON.stringify(wanted)}, printed was ${JSON.stringify(line)}`
    }
  }
  return undefined
}

const pattern = (line: string): RegExp =>
  new RegExp(
    `^${line
      .split('...')
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
      .join('.*')}$`
  )
