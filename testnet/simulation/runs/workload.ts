import { makeCommand, type SimCommand } from '../node/command.ts'
import { between, pick } from '../world/streams.ts'
import type { SimGroup } from './group.ts'

const RETRY_FIRST_US = 1_000_000
const RETRY_US = 2_000_000

/** Clients: each command goes to two members, after a second to all, then again and again until it is final. */
export class Workload {
  readonly #group: SimGroup
  readonly #next = new Map<number, number>()
  readonly #excluded = new Set<number>()
  readonly submitted: SimCommand[] = []

  constructor(group: SimGroup) {
    this.#group = group
    for (const { atMs, client, commands } of group.options.bursts) {
      group.world.at(atMs * 1_000, () => {
        for (let i = 0; i < commands; i++) this.submit(client)
      })
    }
  }

  /** Clients do not know this process. */
  exclude(process: number): void {
    this.#excluded.add(process)
  }

  get pending(): number {
    return this.submitted.filter(({ id }) => !this.#group.oracle.isEffective(id)).length
  }

  submit(client: number): SimCommand {
    const sequence = (this.#next.get(client) ?? 0) + 1
    this.#next.set(client, sequence)
    const command = makeCommand(client, sequence)
    this.submitted.push(command)
    const { workload } = this.#group.streams
    const alive = this.#group.nodes.filter(({ isAlive, options }) => isAlive && !this.#excluded.has(options.process))
    if (alive.length > 0) for (let i = 0; i < 2; i++) pick(workload, alive).submit(command)
    this.#retry(command, RETRY_FIRST_US)
    return command
  }

  #retry(command: SimCommand, afterUs: number): void {
    const { world, oracle, nodes, streams } = this.#group
    world.after(afterUs + between(streams.workload, 0, 50_000), () => {
      if (oracle.isEffective(command.id)) return
      for (const node of nodes) if (!this.#excluded.has(node.options.process)) node.submit(command)
      this.#retry(command, RETRY_US)
    })
  }
}
