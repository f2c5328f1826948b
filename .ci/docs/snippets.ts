import { dirname, join } from 'node:path'
import ts from 'typescript'
import { nameOf } from '../pack/quick-start.ts'
import { readMarkdown } from './markdown.ts'
import type { TextFile } from './tree.ts'

export interface SnippetReport {
  readonly compiled: number
  /** `path:line` of the snippets marked `ts ignore`. */
  readonly ignored: readonly string[]
  readonly errors: readonly string[]
}

interface Snippet {
  readonly page: string
  readonly line: number
  readonly code: string
}

/**
 * A snippet is typed as a module beside its page, so that it may import as a reader of that page would; one that begins
 * with `// <name>.ts` under that name, so that others of the page may import it.
 */
const fileOf = (root: string, { page, line, code }: Snippet) =>
  join(root, dirname(page), nameOf({ code }) ?? `__snippet_${line}__.ts`)

/**
 * Type checks every `ts` block of `files` against the workspace, in one program. Each is a module of its own:
 * a block says what it imports. `ts ignore` is for what must not compile, and is counted.
 */
export function checkSnippets(root: string, files: readonly TextFile[]): SnippetReport {
  const blocks = files.flatMap(({ path, text }) =>
    readMarkdown(text)
      .fences.filter(({ language }) => language === 'ts' || language === 'typescript')
      .map((fence) => ({ page: path, line: fence.line, code: fence.code, ignore: fence.words.includes('ignore') }))
  )
  const snippets = new Map(blocks.filter(({ ignore }) => !ignore).map((block) => [fileOf(root, block), block]))
  return {
    compiled: snippets.size,
    ignored: blocks.filter(({ ignore }) => ignore).map(({ page, line }) => `${page}:${line}`),
    errors: diagnose(root, snippets)
  }
}

function diagnose(root: string, snippets: ReadonlyMap<string, Snippet>): string[] {
  if (snippets.size === 0) return []
  const options = { ...workspaceOptions(root), noUnusedLocals: false, noEmit: true }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  // `export {}` on the last line makes a module of a block without imports, and moves no line number.
  const virtual = (name: string) => {
    const code = snippets.get(name)?.code
    return code === undefined ? undefined : `${code}\nexport {}`
  }
  host.fileExists = (name) => snippets.has(name) || fileExists(name)
  host.readFile = (name) => virtual(name) ?? readFile(name)
  host.getSourceFile = (name, languageVersion, ...rest) => {
    const code = virtual(name)
    return code === undefined
      ? getSourceFile(name, languageVersion, ...rest)
      : ts.createSourceFile(name, code, languageVersion)
  }
  const program = ts.createProgram([...snippets.keys()], options, host)
  return [...snippets].flatMap(([name, snippet]) => {
    const source = program.getSourceFile(name)
    if (source === undefined) return [`${snippet.page}:${snippet.line}: TypeScript did not read this snippet`]
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map((diagnostic) => {
      const row = source.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line
      const message = ts.flattenDiagnosticMessageText(diagnostic.messageText, '\n    ')
      return `${snippet.page}:${snippet.line + row}: TS${diagnostic.code}: ${message}`
    })
  })
}

function workspaceOptions(root: string): ts.CompilerOptions {
  const { config, error } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  if (error !== undefined) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  return ts.convertCompilerOptionsFromJson(config.compilerOptions, root).options
}
