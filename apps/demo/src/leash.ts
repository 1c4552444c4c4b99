/**
 * Loaded into a node before anything else (`--require`): ends the node when the process that started it is gone. The
 * channel between the two is closed by the kernel, so this holds for SIGKILL and a crash as well.
 */
const graceMs = 5_000;

function endNode(): void {
  setTimeout(() => process.exit(1), graceMs).unref();
  process.kill(process.pid, 'SIGTERM');
}

process.once('disconnect', endNode);
// Listening alone must not keep a node running that has finished.
process.channel?.unref();
if (!process.connected) endNode();

export {};
