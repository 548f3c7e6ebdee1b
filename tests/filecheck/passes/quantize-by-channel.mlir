// RUN: pqc opt %s -p quantize | filecheck %s

// Every pixel is encoded once, and the lookup walks the window over the codes. Outside the map lies the code of zero:
// the prototypes are (1, 2) and (3, 1), so that it is 0.
// CHECK: [[K:%[^ ]+]] = pq.encode %x, %{{[^ ]+}} <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> {{.*}} -> !pq.codes<[?, 1, 4, 4], 2>
// CHECK: [[P:%[^ ]+]] = blob.constant <"padding", "45ae7fb412d81b29"> : tensor<1xui8>
// CHECK: [[L:%[^ ]+]] = pq.lookup [[K]], %{{[^ ]+}}, %{{[^ ]+}} window <[2, 2] strides [1, 2] pads [1, 0, 1, 1] dilations [2, 1]> padding [[P]] : tensor<1xui8> table_bits 8 : !pq.codes<[?, 1, 4, 4], 2>, tensor<4x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x2xsi16>
// CHECK: qnn.requantize [[L]], {{.*}} -> !pq.tensor<?x2x4x2xsi8, 0.5>

builtin.module attributes {pqc.input_grids = [#pq.grid<ui8, 0.25>], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x2xf32> {
    %codebook = blob.constant <"codebook", "e0ace305b0d2e640"> : tensor<1x2x2xui8>
    %table = blob.constant <"table", "ca88e0e2ac35563e"> : tensor<4x2x2xf32>
    %v = blob.constant <"v", "1e506e4140fce008"> : tensor<2xf32>
    %p = pq.convolution %x, %codebook, %table, %v <[2, 2] strides [1, 2] pads [1, 0, 1, 1] dilations [2, 1]> <prototypes = 2, length = 2, grouping = channel, bits = [2, 8], l2> on <ui8, 0.25> shift 6 {pq.grid = #pq.grid<si8, 0.5>} : tensor<?x2x4x4xf32>, tensor<1x2x2xui8>, tensor<4x2x2xf32>, tensor<2xf32> -> tensor<?x2x4x2xf32> loc("pq")
    func.return %p : tensor<?x2x4x2xf32>
  }
}
