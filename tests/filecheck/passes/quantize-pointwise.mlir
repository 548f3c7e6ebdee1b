// RUN: pqc opt %s -p quantize --print-debuginfo | filecheck %s

// A group becomes one table, with an entry for each of the 16 elements of its operand; one row serves all channels, or
// where constants differ by channel each has its own.
// CHECK: [[T:%[^ ]+]] = blob.constant <"map", {{.*}} : tensor<1x16xui8>
// CHECK: qnn.map %x, [[T]] : !pq.tensor<?x2x4x4xsi4, 0.5>, tensor<1x16xui8> -> !pq.tensor<?x2x4x4xui8, 0.00390625> loc("sigmoid")
// CHECK: [[T:%[^ ]+]] = blob.constant <"map", {{.*}} : tensor<2x16xsi8>
// CHECK: [[P:%[^ ]+]] = qnn.map %x, [[T]] : {{.*}} loc("prelu")

// The product's multiplier is that of both scales by the result's; a difference is a sum with a negative one.
// CHECK: [[M:%[^ ]+]] = qnn.multiply [[P]], %g multiplier 16384 shift 16 clip [-128, 127] {{.*}} loc("mul")
// CHECK: qnn.add [[P]], [[M]] multipliers [8192, -16384] shift 14 clip [-128, 127] {{.*}} loc("sub")

builtin.module attributes {pqc.input_grids = [#pq.grid<si4, 0.5>, #pq.grid<ui8, 0.5>], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: tensor<?x2x4x4xf32>, %g: tensor<?x2x1x1xf32>) -> (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) {
    %s = onnx.pointwise %x {
    ^bb0(%a: tensor<?x2x4x4xf32>):
      %r = onnx.function %a "sigmoid" [] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
      onnx.yield %r : tensor<?x2x4x4xf32>
    } {pq.grid = #pq.grid<ui8, 0.00390625>} : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("sigmoid")
    %p = onnx.pointwise %x {
    ^bb0(%a: tensor<?x2x4x4xf32>):
      %v = blob.constant <"v", "1e506e4140fce008"> : tensor<2xf32>
      %r = onnx.prelu %a, %v : (tensor<?x2x4x4xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32>
      onnx.yield %r : tensor<?x2x4x4xf32>
    } {pq.grid = #pq.grid<si8, 0.25>} : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("prelu")
    %m = onnx.mul %p, %g {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x4x4xf32>, tensor<?x2x1x1xf32>) -> tensor<?x2x4x4xf32> loc("mul")
    %d = onnx.sub %p, %m {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("sub")
    func.return %s, %m, %d : tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>
  }
}
