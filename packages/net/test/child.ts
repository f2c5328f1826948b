/** A peer in a process of its own, for tests that kill or stop one: `node child.ts <network hex> [mdns]`. */
import { fromHex } from '@brume/codec'
import { freshNetwork, node, until } from './nodes.ts'

const [networkHex, discovery] = process.argv.slice(2)
const networkId = networkHex === undefined ? freshNetwork() : fromHex(networkHex)
const net = await node(networkId, { discovery: { mdns: discovery === 'mdns', bootstrap: [] } })

let received = 0
net.channel(
  { id: '/brume/test-slow/1.0.0', class: 'data', frameBytesMax: 65_536 },
  {
    frame: () => {
      received += 1
      // Reads about 10 MB a second of 50 kB frames, by keeping its loop busy.
      const endMs = performance.now() + 5
      while (performance.now() < endMs);
    }
  }
)
net.serve({ id: '/brume/test-count/1.0.0', requestBytesMax: 16, answerBytesMax: 16 }, () =>
  Buffer.from(String(received))
)
await net.start()
process.stdout.write(`${JSON.stringify({ peer: net.self, addresses: net.addresses() })}\n`)
process.stdin.once('end', () => void net.stop().then(() => process.exit(0)))
process.stdin.resume()
await until('never', () => false, 2 ** 31 - 1)
