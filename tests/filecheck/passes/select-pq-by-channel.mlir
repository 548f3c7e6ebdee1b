// RUN: pqc opt %s -p 'select-pq{include="*" length=3 grouping=channel}' | filecheck %s
// RUN: pqc opt %s -p 'select-pq{include="*" length=3 codebooks=shared}' | filecheck %s --check-prefix=SHARED
// RUN: not pqc opt %s -p 'select-pq{grouping=pixel}' 2>&1 | filecheck %s --check-prefix=UNKNOWN
// RUN: not pqc opt %s -p 'select-pq{codebooks=common}' 2>&1 | filecheck %s --check-prefix=COMMON

// A subvector has at most all channels. Where a kernel has one tap, both groupings are the same: that is cut by window.
// CHECK: onnx.conv %x, %{{.*}} {pq.config = #pq.config<prototypes = 16, length = 2, grouping = channel, bits = [8, 8], l2>}
// CHECK: onnx.conv %a, %{{.*}} {pq.config = #pq.config<prototypes = 16, length = 2, bits = [8, 8], l2>}
// CHECK: onnx.conv {{.*}} {pq.config = #pq.config<prototypes = 16, length = 3, bits = [8, 8], l2>} : (tensor<?x32x1x1xf32>

// SHARED-COUNT-3: {pq.config = #pq.config<prototypes = 16, length = {{.}}, codebooks = shared, bits = [8, 8], l2>}

// UNKNOWN: grouping 'pixel', allowed are window, channel
// COMMON: codebooks 'common', allowed are separate, shared

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: tensor<?x2x5x5xf32>) -> tensor<?x2xf32> {
    %k = blob.constant <"k", "32278ebca231b98f"> : tensor<2x2x2x2xf32>
    %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
    %m = blob.constant <"m", "31e2e72778cbabb9"> : tensor<2x32xf32>
    %v = blob.constant <"v", "1e506e4140fce008"> : tensor<2xf32>
    %a = onnx.conv %x, %k, %v : (tensor<?x2x5x5xf32>, tensor<2x2x2x2xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("taps")
    %b = onnx.conv %a, %w, %v : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("one")
    %f = onnx.reshape %b : (tensor<?x2x4x4xf32>) -> tensor<?x32xf32> loc("flatten")
    %g = onnx.gemm %f, %m, %v : (tensor<?x32xf32>, tensor<2x32xf32>, tensor<2xf32>) -> tensor<?x2xf32> loc("gemm")
    func.return %g : tensor<?x2xf32>
  }
}
