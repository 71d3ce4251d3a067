// What a user of polkadot-api does, against the node whose URL is given. Prints what came of it as JSON.
import { decAnyMetadata } from "@polkadot-api/substrate-bindings";
import { sr25519CreateDerive } from "@polkadot-labs/hdkd";
import { DEV_PHRASE, entropyToMiniSecret, mnemonicToEntropy, ss58Address } from "@polkadot-labs/hdkd-helpers";
import { createClient, Enum } from "polkadot-api";
import { getPolkadotSigner } from "polkadot-api/signer";
import { getWsProvider } from "polkadot-api/ws";

const client = createClient(getWsProvider(process.argv[2]));
const api = client.getUnsafeApi();
const derive = sr25519CreateDerive(entropyToMiniSecret(mnemonicToEntropy(DEV_PHRASE)));
const keys = derive("//Alice");
const alice = getPolkadotSigner(keys.publicKey, "Sr25519", keys.sign);
const bob = ss58Address(derive("//Bob").publicKey);

/** Signs and sends a call, and follows it until it is final. `onEvent` is told of every step. */
function submit(call, onEvent = () => {}) {
  return new Promise((resolve, reject) => {
    const steps = [];
    call.signSubmitAndWatch(alice).subscribe({
      next: async (event) => {
        steps.push(event.type === "txBestBlocksState" ? `found ${event.found}` : event.type);
        if (event.type === "finalized") resolve({ ...event, steps });
        await onEvent(event);
      },
      error: reject,
    });
  });
}

const story = {};
story.chain = (await client.getChainSpecData()).name;
const { metadata } = decAnyMetadata(await client.getMetadata((await client.getFinalizedBlock()).hash));
story.pallets = metadata.value.pallets.map((pallet) => pallet.name);
story.freeBefore = (await api.query.System.Account.getValue(bob)).data.free.toString();

const transfer = api.tx.Balances.transfer_keep_alive({ dest: Enum("Id", bob), value: 7n });
const paid = await submit(transfer);
story.paid = paid.events.map((event) => `${event.type}.${event.value.type}`);
story.finalized = (await client.getFinalizedBlock()).number >= paid.block.number;
story.freeAfter = (await api.query.System.Account.getValue(bob)).data.free.toString();

const failed = await submit(api.tx.TaskMarket.cancel_task({ task_id: 77n }));
story.error = failed.dispatchError.value.value.type;

// The block that holds the call is replaced by an empty branch; a later block holds it again.
await client._request("dev_pauseSealing", []);
let reorganized = false;
const moving = api.tx.Balances.transfer_keep_alive({ dest: Enum("Id", bob), value: 5n });
const moved = await submit(moving, async (event) => {
  if (event.type === "broadcasted") {
    while (!(await client._request("author_pendingExtrinsics", [])).length); // it tells before it sends
    await client._request("dev_seal", []);
  }
  if (event.found && !reorganized) {
    reorganized = true;
    await client._request("dev_fork", [1, 2, "pool"]);
    await client._request("dev_resumeSealing", []);
  }
});
story.moved = moved.steps;
story.freeAtLast = (await api.query.System.Account.getValue(bob)).data.free.toString();

console.log(JSON.stringify(story));
client.destroy();
