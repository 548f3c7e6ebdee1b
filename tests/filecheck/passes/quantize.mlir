// RUN: pqc opt %s -p quantize --print-debuginfo | filecheck %s

// Every operation of the float level in integers; each keeps the name of its node.
// CHECK: builtin.module
// CHECK-NOT: input_grids
// CHECK: func.func @main(%x: !pq.tensor<?x2x4x4xsi8, 0.5>

// A convolution: weights on a grid for each output, the bias on the accumulators', one multiplier for each output.
// CHECK: [[S:%[^ ]+]] = qnn.conv2d %x, %{{[^ ]+}}, %{{[^ ]+}} <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 {{.*}} -> tensor<?x2x4x4xsi32> loc("conv")
// CHECK: [[C:%[^ ]+]] = qnn.requantize [[S]], %{{[^ ]+}}, %{{[^ ]+}} residual %x, %{{[^ ]+}} : {{.*}} clip [0, 255] {{.*}} -> !pq.tensor<?x2x4x4xui8, 0.25> loc("conv")

// Product quantization: the codebook stays, the table gets a grid.
// CHECK: [[K:%[^ ]+]] = pq.encode [[C]], %{{[^ ]+}} <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 6 prototype_bits 2
// CHECK: [[L:%[^ ]+]] = pq.lookup [[K]], {{.*}} {pq.normalized_error = 5.000000e-01 : f64}
// CHECK: [[P:%[^ ]+]] = qnn.requantize [[L]], {{.*}} clip [-128, 2] {{.*}} -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("pq")

// What follows no accumulator is rescaled, bounds included.
// CHECK: [[R:%[^ ]+]] = qnn.rescale [[P]] multiplier 16384 shift 14 clip [0, 127] {{.*}} loc("relu")
// CHECK: [[T:%[^ ]+]] = qnn.rescale [[R]] multiplier 16384 shift 13 clip [-4, 8] {{.*}} loc("clip")
// CHECK: [[A:%[^ ]+]] = qnn.add [[T]], [[R]] multipliers [8192, 16384] shift 14 clip [-128, 127] {{.*}} loc("add")
// CHECK: [[M:%[^ ]+]] = qnn.max_pool [[A]] <[2, 2] strides [1, 1] pads [1, 1, 0, 0] dilations [1, 1]> {{.*}} loc("max")
// CHECK: [[V:%[^ ]+]] = qnn.average_pool [[M]] <[2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> mode 1 {{.*}} loc("average")
// CHECK: [[W:%[^ ]+]] = qnn.average_pool [[M]] <[2, 2] strides [2, 2] pads [1, 1, 1, 1] dilations [1, 1]> mode 2 {{.*}} loc("padded")
// CHECK: [[G:%[^ ]+]] = qnn.average_pool [[W]] <[3, 3] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> mode 1 {{.*}} loc("global")

// Data movement stays what it is.
// CHECK: [[I:%[^ ]+]] = qnn.slice [[V]] {{.*}} loc("slice")
// CHECK: [[O:%[^ ]+]] = qnn.pad [[I]] {{.*}} loc("pad")
// CHECK: [[N:%[^ ]+]] = qnn.transpose [[O]] {{.*}} loc("transpose")
// CHECK: [[J:%[^ ]+]] = qnn.concat {{.*}} loc("concat")
// CHECK: [[F:%[^ ]+]] = qnn.reshape [[G]] {{.*}} loc("reshape")

// A matrix product is a convolution of one position.
// CHECK: [[Z:%[^ ]+]] = qnn.gemm [[F]], {{.*}} -> tensor<?x2xsi32> loc("gemm")
// CHECK: [[Y:%[^ ]+]] = qnn.requantize [[Z]], {{.*}} -> !pq.tensor<?x2xsi16, 0.001> loc("gemm")
// CHECK: func.return [[J]], [[Y]]

builtin.module attributes {pqc.input_grids = [#pq.grid<si8, 0.5>], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: tensor<?x2x4x4xf32>) -> (tensor<?x4x2x2xf32>, tensor<?x2xf32>) {
    %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
    %m = blob.constant <"m", "3bec4c947317d0dd"> : tensor<2x2xf32>
    %v = blob.constant <"v", "1e506e4140fce008"> : tensor<2xf32>
    %codebook = blob.constant <"codebook", "9da7965c42203e8e"> : tensor<2x2x1xui8>
    %table = blob.constant <"table", "a86cabd103e8ab23"> : tensor<2x2x2xf32>
    %c = onnx.conv %x, %w, %v residual %x low 0.0 {pq.grid = #pq.grid<ui8, 0.25>} : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("conv")
    %p = pq.convolution %c, %codebook, %table, %v <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 2, length = 1, bits = [2, 8], l2> on <ui8, 0.25> shift 6 high 1.0 : f64 {pq.grid = #pq.grid<si8, 0.5>, pq.normalized_error = 0.5 : f64} : tensor<?x2x4x4xf32>, tensor<2x2x1xui8>, tensor<2x2x2xf32>, tensor<2xf32> -> tensor<?x2x4x4xf32> loc("pq")
    %r = onnx.relu %p {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("relu")
    %t = onnx.clip %r low -1.0 high 2.0 {pq.grid = #pq.grid<si8, 0.25>} : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("clip")
    %a = onnx.add %t, %r {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("add")
    %x1 = onnx.max_pool %a kernel [2, 2] pads [1, 1, 0, 0] {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("max")
    %x2 = onnx.average_pool %x1 kernel [2, 2] strides [2, 2] {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x4x4xf32>) -> tensor<?x2x2x2xf32> loc("average")
    %x3 = onnx.average_pool %x1 kernel [2, 2] strides [2, 2] pads [1, 1, 1, 1] count_include_pad true {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x4x4xf32>) -> tensor<?x2x3x3xf32> loc("padded")
    %g = onnx.global_average_pool %x3 {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x3x3xf32>) -> tensor<?x2x1x1xf32> loc("global")
    %i = onnx.slice %x2 starts [0, 1, 0] steps [1, 1, 1] {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x2x2xf32>) -> tensor<?x2x1x2xf32> loc("slice")
    %o = onnx.pad %i before [0, 1, 0] after [0, 0, 0] {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x1x2xf32>) -> tensor<?x2x2x2xf32> loc("pad")
    %n = onnx.transpose %o [0, 2, 1, 3] {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x2x2xf32>) -> tensor<?x2x2x2xf32> loc("transpose")
    %j = onnx.concat %n, %x2 axis 1 {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x2x2xf32>, tensor<?x2x2x2xf32>) -> tensor<?x4x2x2xf32> loc("concat")
    %f = onnx.reshape %g {pq.grid = #pq.grid<si8, 0.5>} : (tensor<?x2x1x1xf32>) -> tensor<?x2xf32> loc("reshape")
    %y = onnx.gemm %f, %m, %v {pq.grid = #pq.grid<si16, 0.001>} : (tensor<?x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x2xf32> loc("gemm")
    func.return %j, %y : tensor<?x4x2x2xf32>, tensor<?x2xf32>
  }
}
