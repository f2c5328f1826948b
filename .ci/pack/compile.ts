import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import ts from 'typescript'

/**
 * Compiles the TypeScript files at `paths` to JavaScript and declarations under `out`, in the same folders. Node strips
 * types of no file below `node_modules`, so what is published must be JavaScript.
 *
 * @throws Error with TypeScript's diagnostics
 */
export function compile(root: string, paths: readonly string[], out: string): void {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const sources = paths.filter((path) => path.endsWith('.ts')).map((path) => join(root, path))
  const program = ts.createProgram(sources, {
    ...options,
    noEmit: false,
    noEmitOnError: true,
    declaration: true,
    rootDir: root,
    outDir: out
  })
  const { diagnostics } = program.emit(undefined, undefined, undefined, false, { before: [followFiles] })
  const errors = [...ts.getPreEmitDiagnostics(program), ...diagnostics]
  if (errors.length === 0) return
  throw new Error(
    ts.formatDiagnostics(errors, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => root,
      getNewLine: () => '\n'
    })
  )
}

/** The compiler renames what is imported; files that are started (workers, processes) are named in strings. */
const followFiles: ts.TransformerFactory<ts.SourceFile> = (context) => (source) => {
  const visit = (node: ts.Node): ts.Node => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node
    if (!ts.isStringLiteral(node) || !/^[./\w-]+\.ts$/.test(node.text)) return ts.visitEachChild(node, visit, context)
    if (!existsSync(resolve(dirname(source.fileName), node.text))) return node
    return ts.factory.createStringLiteral(node.text.replace(/\.ts$/, '.js'), true)
  }
  return ts.visitEachChild(source, visit, context)
}
