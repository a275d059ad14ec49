// emulate binds every address and cannot be told otherwise. This is loaded before it.
const { Server } = require("node:net");
const listen = Server.prototype.listen;
Server.prototype.listen = function (first, ...rest) {
  return typeof first === "number" ? listen.call(this, { port: first, host: "127.0.0.1" }) : listen.call(this, first, ...rest);
};
