/** One member of a benchmark in its own process, told what to do by the coordinator over IPC. */

import { type Member, openMember } from './member.ts'
import type { FromMember, ToMember } from './messages.ts'

let member: Member | undefined

function say(message: FromMember): void {
  // Without a channel the coordinator is gone, and this process about to follow.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
}

async function obey(message: ToMember): Promise<void> {
  if (message.type === 'open') {
    member = await openMember(message.config)
    return say({ type: 'opened', contact: member.contact })
  }
  if (member === undefined) throw new RangeError('not opened')
  if (message.type === 'meet') {
    await member.meet(message.contacts)
    return say({ type: 'met' })
  }
  say({ type: 'sliced', report: await member.run(message.slice) })
}

async function end(): Promise<void> {
  await member?.stop()
  process.exit(0)
}

// Ctrl-C reaches the whole foreground group; the end is the coordinator's to decide.
for (const name of ['SIGINT', 'SIGHUP'] as const) process.on(name, () => undefined)
process.on('SIGTERM', end).on('disconnect', end)
process.on('message', (message: ToMember) => {
  obey(message).catch((error: unknown) =>
    say({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  )
})
