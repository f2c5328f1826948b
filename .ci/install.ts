/**
 * `npm run test:install`: what a stranger does. Packs all workspaces, installs the tarballs into an empty folder, makes the
 * files of README.md's quick start there, runs it, and holds what it prints to what the page says.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { packAll } from './pack/pack.ts'
import { difference, readQuickStart } from './pack/quick-start.ts'

/** Seconds in practice: five peers, one group, a handful of commands. */
const RUN_LIMIT_MS = 120_000

const root = resolve(import.meta.dirname, '..')
const { files, command, output } = readQuickStart(readFileSync(join(root, 'README.md'), 'utf8'))
/** The gate's clone has what the lockfile names already, and asking the registry for each anew takes minutes. */
const borrow = process.argv.includes('--borrow')
const place = borrow ? join(root, 'results') : tmpdir()
mkdirSync(place, { recursive: true })
const folder = mkdtempSync(join(place, 'brume-install-'))
try {
  const [tarballs, app] = [join(folder, 'tarballs'), join(folder, 'app')]
  for (const made of [tarballs, app]) mkdirSync(made)
  const packed = packAll(root, tarballs)
  writeFileSync(join(app, 'package.json'), JSON.stringify({ type: 'module', private: true }))
  if (borrow) unpack(packed, app)
  else install(packed, app)
  console.log(
    `${packed.length} packages packed and installed${borrow ? ', what they depend on taken from this clone' : ''}`
  )
  for (const { name, code } of files) writeFileSync(join(app, name), code)
  const script = command.split(' ').at(-1) ?? ''
  const run = spawnSync(process.execPath, [script], { cwd: app, encoding: 'utf8', timeout: RUN_LIMIT_MS })
  console.log(`$ ${command}\n${run.stdout}${run.stderr}`)
  const wrong =
    run.status === 0
      ? difference(output, run.stdout.trimEnd().split('\n'))
      : `it ended with ${run.status ?? run.signal}`
  if (wrong !== undefined) throw new Error(`README.md's quick start does not do what it says: ${wrong}`)
} finally {
  rmSync(folder, { recursive: true })
}

function install(packed: readonly string[], app: string): void {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'packages/runtime/package.json'), 'utf8'))
  const wanted = [...packed, `xstate@${dependencies.xstate}`]
  const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
  execFileSync('npm', ['install', ...quietly, ...wanted], { cwd: app, stdio: ['ignore', 'ignore', 'inherit'] })
}

/** Node looks for what is not in `app/node_modules` in the folders above, which are this clone's. */
function unpack(packed: readonly string[], app: string): void {
  for (const tarball of packed) {
    const [, name = ''] = /brume-(\w+)-[^/]*\.tgz$/.exec(tarball) ?? []
    const to = join(app, 'node_modules/@brume', name)
    mkdirSync(to, { recursive: true })
    execFileSync('tar', ['-xzf', tarball, '-C', to, '--strip-components=1'])
  }
}
