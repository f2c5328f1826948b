import { createRequire, isBuiltin } from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DOMAIN, hash } from '@brume/crypto'
import type { BuildOptions, Plugin } from 'esbuild'
import { ReplicaError } from './errors.ts'

/** A script of more is read by no member: an XState with a large machine is a tenth of it. */
const BUNDLE_BYTES_MAX = 4_194_304

/** Modules of brume's that the machine and the adapter must share, whatever copy lies beside the machine. */
const SHARED = /^@brume\/runtime\/(logic|math)$/

const OPTIONS: BuildOptions = {
  bundle: true,
  write: false,
  // A `vm.Script` takes no ES module.
  format: 'iife',
  platform: 'neutral',
  target: 'esnext',
  // XState's `module` build is whole; its `development` one warns, and so differs by where it runs.
  conditions: ['module', 'import'],
  mainFields: ['module', 'main'],
  minifyWhitespace: true,
  legalComments: 'none',
  charset: 'ascii',
  // `**` becomes `Math.pow`, which can be replaced at run time; the operator cannot, and engines differ in both.
  supported: { 'exponent-operator': false },
  // As modules are: without it, writing to what is frozen would pass unseen.
  banner: { js: '"use strict";' },
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: true } },
  logLevel: 'silent'
}

/** A machine with everything it imports, as one script: what all members run, byte by byte. */
export interface Bundle {
  /** Sets the global `brume` to an `Inside`. */
  readonly code: string
  /** 32 bytes that stand for the machine, its helpers and its copy of XState. */
  readonly logicId: Uint8Array
}

/**
 * Bundles a module whose default export is a machine; also `schema` and `selectors`, where it exports them. The bytes
 * depend on what the files say and not on where they lie.
 *
 * @param url - a `file:` URL of JavaScript or TypeScript
 * @throws ReplicaError BUNDLE, also for an import of a module of Node, with its path
 */
export async function bundleLogic(url: URL | string): Promise<Bundle> {
  const code = await scriptOf(fileURLToPath(url))
  if (code.length > BUNDLE_BYTES_MAX) {
    throw new ReplicaError('BRUME_RUNTIME_BUNDLE', `a bundle of ${code.length} bytes; ${BUNDLE_BYTES_MAX} are taken`)
  }
  return { code, logicId: logicIdOf(code) }
}

/** `H('brume/logic/1', bundle)`. */
function logicIdOf(code: string): Uint8Array {
  return hash(DOMAIN.logic, Buffer.from(code))
}

async function scriptOf(file: string): Promise<string> {
  // Read only where something is bundled: most peers never do, and it is some megabytes.
  const { build } = await import('esbuild')
  try {
    const { outputFiles } = await build({
      ...OPTIONS,
      stdin: { contents: entryOf(file), resolveDir: dirname(file), loader: 'js', sourcefile: 'brume' },
      absWorkingDir: dirname(file),
      plugins: [imports]
    })
    return outputFiles?.[0]?.text ?? ''
  } catch (cause) {
    throw new ReplicaError('BRUME_RUNTIME_BUNDLE', firstOf(cause), { cause })
  }
}

/** The machine's module and what runs it in the realm. */
function entryOf(file: string): string {
  const inside = JSON.stringify(ownFile('@brume/runtime/replica/inside'))
  return `import * as module from ${JSON.stringify(file)};import { inside } from ${inside};globalThis.brume = inside(module)`
}

const imports: Plugin = {
  name: 'brume',
  setup: (made) => {
    made.onResolve({ filter: /.*/ }, ({ path, importer }) => {
      if (isBuiltin(path))
        return { errors: [{ text: `${importer} imports ${path}: a replicated machine has no Node` }] }
      return SHARED.test(path) ? { path: ownFile(path) } : undefined
    })
  }
}

/** By name, for the file has another ending where this is installed from a registry. */
function ownFile(name: string): string {
  return createRequire(import.meta.url).resolve(name)
}

/** esbuild's first error, with its place. */
function firstOf(cause: unknown): string {
  const [first] = (cause as { readonly errors?: readonly { text: string; location: Location | null }[] }).errors ?? []
  if (first === undefined) return cause instanceof Error ? cause.message : String(cause)
  const { text, location } = first
  return location === null ? text : `${location.file}:${location.line}: ${text}`
}

interface Location {
  readonly file: string
  readonly line: number
}
