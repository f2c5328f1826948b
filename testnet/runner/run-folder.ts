import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { TestnetError } from '../errors.ts'
import { isRunning, type ProcessId } from './process-table.ts'

/** Where runs are kept when nobody says otherwise; `.brume/` is in .gitignore. */
export const DEFAULT_RUNS_DIRECTORY = '.brume/testnet'
/** Finished runs that stay for `logs` and `check`; each costs about 10 MB a peer, most of it journal segments. */
export const FINISHED_RUNS_KEPT = 5

const RUN_ID = /^\d{12}-[0-9a-f]{4}$/

/** One peer's place in the run. */
export interface RunPeer {
  readonly name: string
  /** The name without its number. */
  readonly group: string
  readonly peerId: string
  readonly publicKey: string
  readonly operator: string
  readonly site: string
  readonly roles: readonly string[]
}

/** What a run is, written once, before any process starts. */
export interface RunManifest {
  readonly version: 1
  readonly runId: string
  readonly createdAt: string
  readonly peers: readonly RunPeer[]
  readonly discovery: 'mdns' | 'list'
  readonly networkName: string
  readonly group: { readonly program: string; readonly groupId: string; readonly manifest: string } | null
  readonly votes: boolean
}

/** A process of the run. Names: `runner`, `guard`, and the peers' own. */
export interface ProcessRecord extends ProcessId {
  readonly name: string
}

/** Sorts by time of birth: `yymmddhhmmss-xxxx`, UTC. */
export function newRunId(now = new Date()): string {
  const stamp = now.toISOString().replace(/\D/g, '').slice(2, 14)
  return `${stamp}-${randomBytes(2).toString('hex')}`
}

export class RunFolder {
  readonly runId: string
  readonly path: string

  constructor(directory: string, runId: string) {
    this.runId = runId
    this.path = resolve(directory, runId)
  }

  get pidsPath(): string {
    return join(this.path, 'pids.json')
  }

  dataDir(peer: string): string {
    return join(this.path, 'peers', peer)
  }

  logPath(peer: string): string {
    return join(this.path, 'logs', `${peer}.log`)
  }

  votesPath(peer: string): string {
    return join(this.path, 'votes', `${peer}.jsonl`)
  }

  finalsPath(peer: string): string {
    return join(this.path, 'finals', `${peer}.jsonl`)
  }

  create(manifest: RunManifest): void {
    // Identity seeds lie below: nobody else on the machine may read them.
    for (const folder of ['', 'peers', 'logs', 'votes', 'finals']) {
      mkdirSync(join(this.path, folder), { recursive: true, mode: 0o700 })
    }
    writeFileSync(join(this.path, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    this.writeProcesses([])
  }

  manifest(): RunManifest {
    return JSON.parse(readFileSync(join(this.path, 'manifest.json'), 'utf8'))
  }

  /** Replaces the list in one step, so that the guard never reads half of it. */
  writeProcesses(processes: readonly ProcessRecord[]): void {
    const draft = `${this.pidsPath}.new`
    writeFileSync(draft, `${JSON.stringify(processes, null, 1)}\n`)
    renameSync(draft, this.pidsPath)
  }

  processes(): readonly ProcessRecord[] {
    return readProcesses(this.pidsPath)
  }

  isRunning(): boolean {
    return this.processes().some(isRunning)
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true })
  }
}

export function readProcesses(path: string): readonly ProcessRecord[] {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return []
  }
}

/** All runs in the directory, newest first. */
export function listRuns(directory: string): readonly RunFolder[] {
  let names: string[]
  try {
    names = readdirSync(directory)
  } catch {
    return []
  }
  const ids = names.filter((name) => RUN_ID.test(name)).sort()
  return ids.reverse().map((runId) => new RunFolder(directory, runId))
}

/** The run with this id; without one the newest that runs, else the newest. Throws `BRUME_TESTNET_NO_RUN`. */
export function findRun(directory: string, runId?: string): RunFolder {
  const runs = listRuns(directory)
  const found =
    runId === undefined ? (runs.find((run) => run.isRunning()) ?? runs[0]) : runs.find((run) => run.runId === runId)
  if (found !== undefined) return found
  const what = runId === undefined ? 'no run' : `no run ${runId}`
  const hint = 'start one with `brume testnet up`, or name the folder with --dir'
  throw new TestnetError('BRUME_TESTNET_NO_RUN', `${what} in ${directory}: ${hint}`)
}

/** Removes finished runs beyond the newest few, so that a habit of `npm start` does not fill the disk. */
export function pruneRuns(directory: string, keep = FINISHED_RUNS_KEPT): void {
  const finished = listRuns(directory).filter((run) => !run.isRunning())
  for (const run of finished.slice(keep)) run.remove()
}
