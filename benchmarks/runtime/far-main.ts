/** The far end, a process of its own: `node far-main.ts <network id, hex>`. Prints where it is; ends with its input. */
import { fromHex } from '@brume/codec'
import { createActor } from 'xstate'
import counter from './counter.machine.ts'
import { BARE, EVENTS, startSide } from './wire.ts'

const [networkHex = ''] = process.argv.slice(2)
const { net, kernel, stop } = await startSide(fromHex(networkHex))

const text = new TextDecoder()
const byHand = createActor(counter).start()
let received = 0
const channel = net.channel(BARE, {
  // The first byte says what it is: an echo goes back at once; of the others the last of a run is answered.
  frame: (from, body) => {
    received += 1
    if (body[0] === EVENTS) for (const event of JSON.parse(text.decode(body.subarray(1)))) byHand.send(event)
    else if (body[0] !== 0) channel.send(from, body)
  }
})
net.onLink((event) => {
  if (event.type === 'link.up') channel.connect([event.peer])
})
kernel.spawn('bench', 'counter', { durability: 'memory', mailbox: { max: 65_536 } })
await net.start()
process.stdout.write(`${JSON.stringify({ peer: net.self, addresses: net.addresses() })}\n`)
process.stdin.once('end', () => void stop().then(() => process.exit(received < 0 ? 1 : 0)))
process.stdin.resume()
