import net, { type NetConnectOpts, type Socket } from 'node:net'

/**
 * From now on every TCP connection this process opens goes to the run's proxy, which is told in one line who dials
 * and whom. Peers learn each other's addresses in many ways; here is the one place that all dials pass, so that
 * none goes round the proxy. What is not a peer's port is refused there.
 */
export function dialThrough(proxyPort: number, self: string): void {
  const direct = net.connect.bind(net)
  const through = (options: NetConnectOpts, listener?: () => void): Socket => {
    if (!('port' in options)) return direct(options, listener)
    const socket = direct({ ...options, host: '127.0.0.1', port: proxyPort })
    socket.once('connect', () => socket.write(`${self} ${options.port}\n`))
    if (listener !== undefined) socket.once('connect', listener)
    return socket
  }
  net.connect = through as typeof net.connect
}
