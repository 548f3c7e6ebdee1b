// RUN: not pqc opt %s -p select-pq 2>&1 | filecheck %s --check-prefix=TARGET
// RUN: not pqc opt %s -p calibrate-ranges 2>&1 | filecheck %s
// RUN: not pqc opt %s -p fit-prototypes 2>&1 | filecheck %s --check-prefix=GRIDS
// RUN: not pqc opt %s -p quantize 2>&1 | filecheck %s
// RUN: not pqc opt %s -p lower-to-pqa 2>&1 | filecheck %s
// RUN: not pqc opt %s -p allocate-memory 2>&1 | filecheck %s --check-prefix=TARGET

// Below the quantized level there is no function any more; and a text from elsewhere has no target.
// CHECK: the IR holds no func.func: this pass works above the accelerator level
// TARGET: the IR has no module attribute 'pqc.target': it was not written by pqc compile
// GRIDS: the IR holds no func.func

pqa.program "pqa" accumulator_bits 16 {
  %r = pqa.allocate : !pqa.region<activation, 16>
}
