// A clock that can be set. To be imported before anything that reads the time.

const RealDate = Date;
let offsetMs = 0;

globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + offsetMs);
    else super(...args);
  }

  static now() {
    return RealDate.now() + offsetMs;
  }
};

export function setClock(seconds) {
  offsetMs = seconds * 1000;
}

export function realNow() {
  return RealDate.now();
}
