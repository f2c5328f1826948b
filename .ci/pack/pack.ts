import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compile } from './compile.ts'
import { type Manifest, readWorkspaces, type Workspace } from './workspaces.ts'

const LICENSES = ['LICENSE', 'LICENSE-APACHE', 'LICENSE-MIT']
const asScript = (path: string): string => path.replace(/\.ts$/, '.js')

/**
 * Builds every workspace and packs it as `npm publish` would.
 *
 * @param to - an existing folder for the tarballs
 * @returns their paths
 */
export function packAll(root: string, to: string): readonly string[] {
  const stage = mkdtempSync(join(tmpdir(), 'brume-pack-'))
  try {
    const workspaces = readWorkspaces(root)
    compile(
      root,
      workspaces.flatMap(({ paths }) => paths),
      stage
    )
    return workspaces.map((workspace) => pack(root, stage, workspace, to))
  } finally {
    rmSync(stage, { recursive: true })
  }
}

/** A deeper workspace is compiled into the folder of the one above; packed first or last, it must not travel in it. */
function pack(root: string, stage: string, { folder, manifest, paths }: Workspace, to: string): string {
  const own = join(stage, 'own', folder)
  mkdirSync(own, { recursive: true })
  const place = (from: string, path: string) => cpSync(join(from, path), join(own, path.slice(folder.length + 1)))
  for (const path of paths) {
    if (!path.endsWith('.ts')) place(root, path)
    else for (const made of [asScript(path), path.replace(/\.ts$/, '.d.ts')]) place(stage, made)
  }
  for (const license of LICENSES) cpSync(join(root, license), join(own, license))
  writeFileSync(join(own, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`)
  const name = execFileSync('npm', ['pack', '--silent', '--pack-destination', to], { cwd: own, encoding: 'utf8' })
  return join(to, name.trim())
}

function published({ devDependencies: _, exports, bin, ...rest }: Manifest): object {
  const entries = Object.entries(exports ?? {}).map(([name, path]) => [
    name,
    { types: path.replace(/\.ts$/, '.d.ts'), default: asScript(path) }
  ])
  return {
    ...rest,
    engines: { node: '>=24.7' },
    ...(exports === undefined ? {} : { exports: Object.fromEntries(entries) }),
    ...(bin === undefined
      ? {}
      : { bin: Object.fromEntries(Object.entries(bin).map(([name, path]) => [name, asScript(path)])) })
  }
}
