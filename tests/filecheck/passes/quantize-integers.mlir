// RUN: pqc opt %s -p quantize --print-debuginfo | filecheck %s

// A table of integers stays as it is, up to the largest sum that the accumulators hold; its step becomes the multiplier.
// CHECK: [[T:%[^ ]+]] = blob.constant <"table", "c1b35f5bc83863dc"> : tensor<2x2x2xsi8>
// CHECK: [[B:%[^ ]+]] = blob.constant <"bias", "498dd68afec659f3"> : tensor<2xsi32>
// CHECK: [[L:%[^ ]+]] = pq.lookup %{{[^ ]+}}, [[T]], [[B]] table_bits 8 {{.*}} -> tensor<?x2x4x4xsi16> loc("pq")
// CHECK: qnn.requantize [[L]], {{.*}} residual %x, {{.*}} clip [0, 127] {{.*}} -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("pq")

builtin.module attributes {pqc.input_grids = [#pq.grid<si8, 0.5>], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
    %codebook = blob.constant <"codebook", "9da7965c42203e8e"> : tensor<2x2x1xui8>
    %table = blob.constant <"table", "c1b35f5bc83863dc"> : tensor<2x2x2xsi8>
    %bias = blob.constant <"bias", "498dd68afec659f3"> : tensor<2xsi32>
    %step = blob.constant <"step", "238f6bcac1d535f3"> : tensor<2xf32>
    %u = onnx.relu %x {pq.grid = #pq.grid<ui8, 0.25>} : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32>
    %p = pq.convolution %u, %codebook, %table, %bias step %step : tensor<2xf32> residual %x : tensor<?x2x4x4xf32> <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 2, length = 1, bits = [2, 8], l2> on <ui8, 0.25> shift 6 low 0.0 : f64 {pq.grid = #pq.grid<si8, 0.5>} : tensor<?x2x4x4xf32>, tensor<2x2x1xui8>, tensor<2x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xf32> loc("pq")
    func.return %p : tensor<?x2x4x4xf32>
  }
}
