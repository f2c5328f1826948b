/** Members of a benchmark in a process of their own, told what to do by the coordinator over IPC. */

import { type Member, openMember } from './member.ts'
import type { FromProcess, ToProcess } from './messages.ts'

const members = new Map<number, Member>()

function say(message: FromProcess): void {
  // Without a channel the coordinator is gone, and this process about to follow.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

async function obey(message: ToProcess): Promise<void> {
  const { index } = message
  if (message.type === 'open') {
    const opened = await openMember(message.config)
    members.set(index, opened)
    return say({ type: 'opened', contact: opened.contact, index })
  }
  const member = members.get(index)
  if (member === undefined) throw new RangeError('not opened')
  if (message.type === 'connect') {
    await member.connect(message.contacts)
    return say({ type: 'connected', index })
  }
  if (message.type === 'meet') {
    await member.meet()
    return say({ type: 'met', index })
  }
  if (message.type === 'where') return say({ type: 'stands', stand: member.where(message.variant), index })
  say({ type: 'sliced', report: await member.run(message.slice), index })
}

async function end(): Promise<void> {
  await Promise.all([...members.values()].map((member) => member.stop()))
  process.exit(0)
}

// Ctrl-C reaches the whole foreground group; the end is the coordinator's to decide.
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined)
process.on('SIGTERM', end).on('disconnect', end)
process.on('message', (message: ToProcess) => {
  obey(message).catch((error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    say({ type: 'failed', message: text, index: message.index })
  })
})
