"use strict";
// Where extensions may run in this process, it must not sleep in read(2): its event loop goes on, and a byte tells that an
// event is coming. A zero tells that there are no extensions.
const fs = require("node:fs");

exports.openWake = openWake;

/** The bell of an environment with extensions; undefined where there is none. */
function openWake(folder) {
  const path = `${folder}/wake`;
  if (!fs.existsSync(path)) return undefined;
  const { Socket } = require("node:net");
  const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const socket = new Socket({ fd, readable: true, writable: false });
  socket.unref(); // a handler that waits for nothing must show
  let rung = 0;
  let waiting;
  const look = () => {
    if (!waiting || rung === 0) return;
    const take = waiting;
    waiting = undefined;
    if (rung !== Infinity) rung--;
    socket.unref();
    take();
  };
  socket.on("data", (bytes) => {
    rung = bytes.includes(0) ? Infinity : rung + bytes.length;
    if (rung === Infinity) socket.destroy();
    look();
  });
  return (take) => {
    waiting = take;
    socket.ref();
    look();
  };
}
