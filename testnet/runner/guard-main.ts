/**
 * The guard: outlives its runner by exactly as long as it takes to end the runner's peers. It holds the
 * reading end of a pipe that only the runner holds open; when the runner dies, however it dies, the
 * kernel closes the pipe. Usage: guard-main.ts <pids.json> <control socket> [command to run at last...]
 */
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { endProcesses } from './end-processes.ts'
import { readProcesses } from './run-folder.ts'

const [pidsPath = '', socketPath = '', afterCommand, ...afterArguments] = process.argv.slice(2)

async function clean(): Promise<void> {
  const peers = readProcesses(pidsPath).filter((record) => record.pid !== process.pid && record.name !== 'runner')
  const left = await endProcesses(peers)
  rmSync(socketPath, { force: true })
  if (afterCommand !== undefined) spawnSync(afterCommand, afterArguments, { stdio: 'ignore' })
  process.exit(left.length === 0 ? 0 : 4)
}

for (const name of ['SIGINT', 'SIGHUP', 'SIGTERM'] as const) process.on(name, () => undefined)
process.stdin.on('end', clean).on('error', clean).resume()
