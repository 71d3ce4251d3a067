// What a user of @polkadot/api does, against the node whose URL is given. Prints what came of it as JSON.
import { ApiPromise, Keyring, WsProvider } from "@polkadot/api";

const provider = new WsProvider(process.argv[2]);
const api = await ApiPromise.create({ provider, noInitWarn: true });
const keyring = new Keyring({ type: "sr25519" });
const alice = keyring.addFromUri("//Alice");
const bob = keyring.addFromUri("//Bob").address;

/** Signs and sends a call, and follows it until it is final. `onStatus` is told of every step. */
function submit(call, onStatus = () => {}) {
  return new Promise((resolve, reject) => {
    const steps = [];
    call
      .signAndSend(alice, async (result) => {
        steps.push(result.status.type);
        if (result.isError) reject(new Error(steps.join(", ")));
        if (result.isFinalized) resolve({ ...result, steps, block: result.status.asFinalized.toHex() });
        await onStatus(result.status);
      })
      .catch(reject);
  });
}

const story = {};
story.chain = (await api.rpc.system.chain()).toString();
story.pallets = api.runtimeMetadata.asLatest.pallets.map((pallet) => pallet.name.toString());
story.freeBefore = (await api.query.system.account(bob)).data.free.toString();

const paid = await submit(api.tx.balances.transferKeepAlive(bob, 7));
story.paid = paid.events.map(({ event }) => `${event.section}.${event.method}`);
story.finalized = (await api.rpc.chain.getBlock(paid.block)).block.header.number.toNumber() > 0;
story.freeAfter = (await api.query.system.account(bob)).data.free.toString();

const failed = await submit(api.tx.taskMarket.cancelTask(77));
story.error = api.registry.findMetaError(failed.dispatchError.asModule).name;

// The block that holds the call is replaced by an empty branch; a later block holds it again.
await provider.send("dev_pauseSealing", []);
let reorganized = false;
const moved = await submit(api.tx.balances.transferKeepAlive(bob, 5), async (status) => {
  if (status.isReady && !reorganized) await provider.send("dev_seal", []);
  if (status.isInBlock && !reorganized) {
    reorganized = true;
    await provider.send("dev_fork", [1, 2, "pool"]);
    await provider.send("dev_resumeSealing", []);
  }
});
story.moved = moved.steps;
story.freeAtLast = (await api.query.system.account(bob)).data.free.toString();

console.log(JSON.stringify(story));
await api.disconnect();
process.exit(); // its timers would hold the process for seconds
