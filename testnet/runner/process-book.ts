import type { PeerSlot } from './peer-slot.ts'
import { identifyProcess, type ProcessId } from './process-table.ts'
import type { ProcessRecord, RunFolder } from './run-folder.ts'

/** Keeps pids.json true: what is not in it, the guard does not end. */
export class ProcessBook {
  readonly #folder: RunFolder
  readonly #helpers = new Map<string, ProcessId>()

  constructor(folder: RunFolder) {
    this.#folder = folder
  }

  /** A process of the run that is no peer. */
  add(name: 'runner' | 'guard' | 'proxy', pid: number | undefined): void {
    const process = pid === undefined ? undefined : identifyProcess(pid)
    if (process !== undefined) this.#helpers.set(name, process)
  }

  write(slots: readonly PeerSlot[]): void {
    const helpers: readonly ProcessRecord[] = [...this.#helpers].map(([name, process]) => ({ name, ...process }))
    const peers = slots.flatMap(({ name, process }) => (process === undefined ? [] : [{ name, ...process }]))
    this.#folder.writeProcesses([...helpers, ...peers])
  }
}
