import type { GroupStatus } from '@brume/actors/quorum'
import { systemClock } from '@brume/ports/system'
import { askControl } from '../../control/index.ts'
import { defaultDirectory, layoutOf, readRunning } from '../../data/index.ts'
import { PeerError } from '../../errors.ts'
import type { PeerStatus } from '../../report.ts'
import { type Output, paint, table } from '../output.ts'
import { readBytes } from './files.ts'

/** Opening a group reads its past from disk; a command waits for its block and for what others say of it. */
const ANSWER_WITHIN_MS = 90_000

/** Longer than this without a word looks like a command that hangs. */
const SAY_AFTER_MS = 2_000

type Request = Parameters<typeof askControl>[1]

/** Answered from memory, and in no longer than `askControl` waits by itself. */
const AT_ONCE: ReadonlySet<Request> = new Set(['status', 'actors.list'])

/**
 * Asks the peer that runs on this data directory. What takes its time is asked only of one that answers at all, and is
 * told on stderr. @throws PeerError NOT_RUNNING, CONTROL; what the peer refuses with
 */
export async function ask(dataDir: string | undefined, request: Request, args: object = {}): Promise<unknown> {
  const layout = layoutOf(dataDir ?? defaultDirectory())
  const running = await readRunning(layout.running)
  if (running === undefined)
    throw new PeerError('BRUME_PEER_NOT_RUNNING', `no peer runs on ${layout.directory}; start one with: brume up`)
  const given = { args: { ...args } }
  const say = (): void => void process.stderr.write(`waiting for the peer, process ${running.pid}, to answer\n`)
  const cancel = systemClock().after(SAY_AFTER_MS, say)
  try {
    if (AT_ONCE.has(request)) return await askControl(running.control, request, given)
    await askControl(running.control, 'id')
    return await askControl(running.control, request, { ...given, timeoutMs: ANSWER_WITHIN_MS })
  } finally {
    cancel()
  }
}

export async function join(dataDir: string | undefined, path: string, output: Output): Promise<void> {
  const manifest = Buffer.from(await readBytes(path)).toString('base64')
  const status = (await ask(dataDir, 'quorum.join', { manifest })) as GroupStatus
  output.tell(status)
  output.say(`joined ${status.group}, ${status.name}, as one of ${status.members.length} members: ${status.state}`)
}

export async function status(dataDir: string | undefined, group: string | undefined, output: Output): Promise<void> {
  const { groups } = (await ask(dataDir, 'status')) as PeerStatus
  const chosen = groups.filter(({ group: id }) => id.startsWith(group ?? ''))
  if (group !== undefined && chosen.length === 0)
    throw new PeerError('BRUME_PEER_USAGE', `this peer takes part in no group whose id begins with ${group}`)
  output.tell({ groups: chosen })
  if (chosen.length === 0) output.say('this peer takes part in no group; see: brume quorum join')
  for (const one of chosen) for (const line of linesOf(one)) output.say(line)
}

function linesOf(status: GroupStatus): readonly string[] {
  const { group, name, state, reason, epoch, view, height, digest, weight, pool, dormant } = status
  const { notarizedP50, finalP50 } = status.latencyMs
  const rows = status.members.map(({ peer, weight: own, connected, self }) => [
    peer,
    String(own),
    self ? 'self' : connected ? 'connected' : '-'
  ])
  const ms = (value: number | null): string => (value === null ? '-' : `${value.toFixed(1)} ms`)
  return [
    `${paint.bold(group)}  ${name}`,
    `state    ${state}${reason === null ? '' : ` (${reason})`}${dormant ? ', nothing to do' : ''}`,
    `order    epoch ${epoch}, view ${view}, height ${height}, block ${digest.slice(0, 16)}`,
    `weight   ${weight.total} in all, ${weight.faults} may fail or lie, ${weight.quorum} decide`,
    `latency  notarized ${ms(notarizedP50)}, final ${ms(finalP50)}; ${pool} commands wait`,
    ...table([['MEMBER', 'WEIGHT', 'LINK'], ...rows]),
    ''
  ]
}
