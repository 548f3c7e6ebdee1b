// RUN: not pqc opt %s -p lower-to-pqa 2>&1 | filecheck %s

// A table that is larger than the whole table buffer is refused with its node.
// CHECK: sigmoid
// CHECK: the table buffer has 64 bytes, but a map's table of 128 entries of 8 bits needs 128
// CHECK: buffers.table of at least

builtin.module attributes {pqc.inputs = ["image", "gates"], pqc.outputs = ["y"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 0.0625 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xui7, 0.5>, %g: !pq.tensor<?x2x1x1xui8, 0.5>) -> !pq.tensor<?x2x4x4xsi8, 0.5> {
    %table = blob.constant <"map of 128", "5a63756db9b3c6fc"> : tensor<1x128xsi8>
    %s = qnn.map %x, %table : !pq.tensor<?x2x4x4xui7, 0.5>, tensor<1x128xsi8> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("sigmoid")
    %m = qnn.multiply %s, %g multiplier 16384 shift 14 clip [-128, 127] : !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x1x1xui8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("gate")
    %y = qnn.multiply %m, %m multiplier 16384 shift 14 clip [-128, 127] : !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("product")
    func.return %y : !pq.tensor<?x2x4x4xsi8, 0.5>
  }
}
