import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { toHex } from '@brume/codec'
import type { PeerId } from '@brume/ports'

export interface PeerProcess {
  readonly peer: PeerId
  readonly addresses: readonly string[]
  readonly process: ChildProcess
}

const running = new Set<ChildProcess>()

/** Starts a peer of that network in a process of its own and waits for its addresses. */
export async function peerProcess(networkId: Uint8Array, discovery: 'mdns' | 'none'): Promise<PeerProcess> {
  const script = fileURLToPath(new URL('./child.ts', import.meta.url))
  const child = spawn(process.execPath, [script, toHex(networkId), discovery], { stdio: ['pipe', 'pipe', 'inherit'] })
  running.add(child)
  child.once('exit', () => running.delete(child))
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as { peer: PeerId; addresses: string[] }
    return { ...said, process: child }
  }
  throw new Error('the peer process ended before it said where it is')
}

/** Ends what still runs: only processes started here, by their own handle. */
export async function endProcesses(): Promise<void> {
  await Promise.all(
    [...running].map(async (child) => {
      const gone = once(child, 'exit')
      child.kill('SIGCONT')
      child.kill('SIGKILL')
      await gone
    })
  )
}
