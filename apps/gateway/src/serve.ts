import { createLogger, loadConfig, Metrics, nodeClock } from '@jieqiao/platform';
import { appModule } from './app.module';
import { Gateway } from './gateway';
import { createHttpApp } from './http/http-app';
import { PeerListeners } from './peer/peer-listeners';

/**
 * Runs a node until SIGTERM or SIGINT. Prints one JSON line with `"message":"ready"` and the addresses when people and
 * peers can reach it.
 * @returns the exit code
 */
export async function serve(argv: readonly string[]): Promise<number> {
  const config = loadConfig({ argv, env: process.env, cwd: process.cwd() });
  const log = createLogger(config.log.level, config.node);
  const now = nodeClock(
    config,
    () => new Date(),
    (message, details) => log.warn(details, message),
  );
  const gateway = await Gateway.open(config, log, now);
  const http = await createHttpApp(appModule(gateway, new Metrics(config.node)), config, log);
  const peers = await PeerListeners.start(gateway);
  // People can sign in already; peers can come as soon as there is an agreement.
  if (gateway.agreements.all().length === 0) log.warn({ remedy: 'jieqiao agreement import FILE' }, 'no-agreement');
  await gateway.start();
  await http.listen({ host: config.http.host, port: config.http.port });
  log.info({ http: await http.getUrl(), peer: config.peer }, 'ready');

  await new Promise<void>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  log.info({}, 'stopping');
  await http.close();
  await peers.stop();
  await gateway.stop();
  return 0;
}
