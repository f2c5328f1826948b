import { createPeer, type Ref } from '@brume/peer'
import room from './room.machine.ts'

const up = () => createPeer({ profile: 'local', network: 'chat-room', store: 'memory' })
const [ana, ben] = await Promise.all([up(), up()])
await ben.dial(ana.addresses)

// The room is at ana's; ben has nothing but its address.
const logic = await ana.register<typeof room>(room, { name: 'room', version: 1 })
const { address } = await ana.spawn(logic, { id: 'kitchen' })

/** Resolves with the first so many lines that are said. */
function listen(to: Ref<typeof room>, count: number): Promise<string> {
  const lines: string[] = []
  return new Promise((heard) => {
    to.on('said', ({ name, text }) => {
      if (lines.push(`${name}: ${text}`) === count) heard(lines.join(', '))
    })
  })
}

const [hers, his] = [ana.ref<typeof room>(address), ben.ref<typeof room>(address)]
const heard = Promise.all([listen(hers, 2), listen(his, 2)])
await his.submit({ type: 'say', name: 'ben', text: 'is there tea?' })
await hers.submit({ type: 'say', name: 'ana', text: 'in a minute' })

const [byAna, byBen] = await heard
console.log(`ana heard ${byAna}`)
console.log(`ben heard ${byBen}`)
console.log((await his.snapshot()).context.lines, 'lines')

for (const peer of [ben, ana]) await peer.stop()
