// S*(t) as the page plays it: slowness u = 1/S, linear between evenly spaced knots (docs/formats.md).

export class Plan {
  constructor(slowness, durationS) {
    this.slowness = new Float64Array(slowness);
    this.durationS = durationS;
    this.stepS = durationS / (slowness.length - 1);
    this.shown = new Float64Array(slowness.length); // output time of every knot
    for (let k = 1; k < slowness.length; k++) {
      this.shown[k] = this.shown[k - 1] + (this.stepS * (slowness[k - 1] + slowness[k])) / 2;
    }
  }

  static uniform(durationS, rate) {
    return new Plan([1 / rate, 1 / rate], durationS);
  }

  get outputDurationS() {
    return this.shown[this.shown.length - 1];
  }

  #cell(sourceS) {
    return Math.min(Math.max(Math.floor(sourceS / this.stepS), 0), this.slowness.length - 2);
  }

  #slope(cell) {
    return (this.slowness[cell + 1] - this.slowness[cell]) / this.stepS;
  }

  // S* at a moment of the source.
  factorAt(sourceS) {
    const cell = this.#cell(sourceS);
    const into = Math.min(Math.max(sourceS - cell * this.stepS, 0), this.stepS);
    return 1 / (this.slowness[cell] + this.#slope(cell) * into);
  }

  // When a moment of the source is shown.
  outputTime(sourceS) {
    const moment = Math.min(Math.max(sourceS, 0), this.durationS);
    const cell = this.#cell(moment);
    const into = moment - cell * this.stepS;
    return this.shown[cell] + into * (this.slowness[cell] + (this.#slope(cell) * into) / 2);
  }

  // Which moment of the source is shown: the inverse, in the form that is stable at slope 0.
  sourceTime(outputS) {
    const moment = Math.min(Math.max(outputS, 0), this.outputDurationS);
    let cell = 0;
    let above = this.shown.length - 1;
    while (above - cell > 1) {
      const middle = (cell + above) >> 1;
      if (this.shown[middle] <= moment) cell = middle;
      else above = middle;
    }
    const wanted = moment - this.shown[cell];
    const start = this.slowness[cell];
    const root = Math.sqrt(Math.max(start * start + 2 * this.#slope(cell) * wanted, 0));
    return Math.min((cell * this.stepS) + (2 * wanted) / (start + root), (cell + 1) * this.stepS);
  }
}
