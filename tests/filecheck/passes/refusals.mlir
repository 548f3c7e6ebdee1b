// RUN: not pqc opt %s -p calibrate-ranges 2>&1 | filecheck %s --check-prefix=CALIBRATION
// RUN: not pqc opt %s -p fit-prototypes 2>&1 | filecheck %s --check-prefix=GRIDS
// RUN: not pqc opt %s -p quantize 2>&1 | filecheck %s --check-prefix=GRIDS
// RUN: not pqc opt %s -p allocate-memory 2>&1 | filecheck %s --check-prefix=PROGRAM
// RUN: not pqc opt %s -p insert-tokens 2>&1 | filecheck %s --check-prefix=PROGRAM
// RUN: not pqc opt %s -p 'select-pq{metric=l1}' 2>&1 | filecheck %s --check-prefix=METRIC

// A pass that is applied at the wrong level, or without what another one leaves, says so.
// CALIBRATION: the IR has no module attribute 'pqc.calibration'
// GRIDS: the IR has no module attribute 'pqc.input_grids': run calibrate-ranges first
// PROGRAM: the IR holds no pqa.program: this pass works behind lower-to-pqa
// METRIC: metric 'l1': the target's encode unit has l2

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
    func.return %x : tensor<?x2x4x4xf32>
  }
}
