import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import multicastDns, { type MulticastDNS } from 'multicast-dns'
import { RECORDS_MAX } from './packets.ts'

const GROUP = '224.0.0.251'
const PORT = 5_353
/** mDNS packets carry 255 so that a receiver can tell they were not routed (RFC 6762 11). */
const TTL = 255
/** Fixed header of a DNS message; its last four u16 say how many records follow (RFC 1035 4.1.1). */
const HEADER_BYTES = 12
const FIRST_COUNT_AT = 4

/**
 * Speaks mDNS on a socket that is bound and joined already. Only datagrams that name the service and
 * announce few records are decoded: the decoder reserves room for as many as the header claims, so
 * that 12 hostile bytes cost 0.4 ms on average and 170 ms at worst, and a LAN is full of others' mDNS.
 */
export function mdnsOn(socket: Socket, serviceTag: string): MulticastDNS {
  // `bind` and `multicast` off: otherwise it binds and joins on its own, by the default route.
  const mdns = multicastDns({ socket, bind: false, multicast: false } as multicastDns.Options)
  const decoders = socket.listeners('message')
  socket.removeAllListeners('message')
  const label = Buffer.from(serviceTag.split('.')[0] ?? serviceTag, 'latin1')
  socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
    if (!isAbout(bytes, label)) return
    for (const decode of decoders) decode.call(socket, bytes, from)
  })
  return mdns
}

function isAbout(bytes: Buffer, label: Buffer): boolean {
  if (bytes.length < HEADER_BYTES) return false
  let records = 0
  for (let at = FIRST_COUNT_AT; at < HEADER_BYTES; at += 2) records += bytes.readUInt16BE(at)
  return records <= RECORDS_MAX && bytes.includes(label)
}

/**
 * Bound, joined and steered here rather than by `multicast-dns`: that one falls back to the default
 * route in silence when joining fails, and this one must not send anywhere else.
 */
export function multicastSocket(address: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown): void => {
      socket.close()
      reject(cause)
    }
    socket.once('error', fail)
    socket.bind(PORT, GROUP, () => {
      try {
        socket.setMulticastInterface(address)
        socket.addMembership(GROUP, address)
        socket.setMulticastTTL(TTL)
        socket.setMulticastLoopback(true)
      } catch (cause) {
        fail(cause)
        return
      }
      socket.off('error', fail)
      resolve(socket)
    })
  })
}
