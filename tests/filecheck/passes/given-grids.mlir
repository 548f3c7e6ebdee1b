// RUN: pqc opt %s -p select-pq,calibrate-ranges | filecheck %s
// RUN: pqc opt %s -p select-pq,calibrate-ranges,fit-prototypes,quantize | filecheck %s --check-prefix=INTEGERS
// RUN: pqc opt %s -p 'select-pq{include=behind}' | filecheck %s --check-prefix=CHOSEN

// A network that gives all grids needs no frames: values share the grid of their group, the input of a pq.convolution
// lies on that of its prototypes. Nothing else is product-quantized.
// CHECK: pqc.input_grids = [#pq.grid<si8, 0.25>]
// CHECK: pq.on_grid %x on <si8, 0.25> {pq.grid = #pq.grid<si8, 0.25>}
// CHECK: onnx.conv {{.*}} low 0.000000e+00 {pq.grid = #pq.grid<ui8, 0.125>}
// CHECK: onnx.max_pool {{.*}} {pq.grid = #pq.grid<ui8, 0.125>}
// CHECK: pq.convolution {{.*}} {pq.grid = #pq.grid<si8, 0.5>}
// CHECK: onnx.conv {{[^<]*}} {pq.grid = #pq.grid<si12, 0.0625>}
// CHECK: onnx.add {{.*}} {pq.grid = #pq.grid<si16, 0.5>}

// Of the grids nothing is left but the types.
// INTEGERS: func.func @main(%x: !pq.tensor<?x2x4x4xsi8, 0.25>) -> !pq.tensor<?x2x4x4xsi16, 0.5>
// INTEGERS-NOT: on_grid
// INTEGERS: qnn.conv2d %x,
// INTEGERS: pq.encode
// INTEGERS: [[P:%[^ ]+]] = qnn.requantize {{.*}} -> !pq.tensor<?x2x4x4xsi8, 0.5>
// INTEGERS: [[D:%[^ ]+]] = qnn.requantize {{.*}} -> !pq.tensor<?x2x4x4xsi12, 0.0625>
// INTEGERS-NOT: on_grid
// INTEGERS: [[Y:%[^ ]+]] = qnn.add [[D]], [[P]]
// INTEGERS: func.return [[Y]]

// CHOSEN: onnx.conv {{[^<]*}} low {{[^<]*}} :
// CHOSEN: onnx.conv {{.*}} {pq.config

builtin.module attributes {pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> {
    %w = blob.constant <"w", "e0c5b8b58a0d3390"> : tensor<2x2x1x1xf32>
    %v = blob.constant <"v", "1e506e4140fce008"> : tensor<2xf32>
    %codebook = blob.constant <"codebook", "9da7965c42203e8e"> : tensor<2x2x1xui8>
    %table = blob.constant <"table", "c1b35f5bc83863dc"> : tensor<2x2x2xsi8>
    %bias = blob.constant <"bias", "498dd68afec659f3"> : tensor<2xsi32>
    %step = blob.constant <"step", "238f6bcac1d535f3"> : tensor<2xf32>
    %g = pq.on_grid %x on <si8, 0.25> : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("entry")
    %c = onnx.conv %g, %w, %v low 0.0 : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("conv")
    %m = onnx.max_pool %c kernel [1, 1] : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("pool")
    %p = pq.convolution %m, %codebook, %table, %bias step %step : tensor<2xf32> <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> <prototypes = 2, length = 1, bits = [2, 8], l2> on <ui8, 0.125> shift 6 : tensor<?x2x4x4xf32>, tensor<2x2x1xui8>, tensor<2x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xf32> loc("pq")
    %d = onnx.conv %p, %w, %v : (tensor<?x2x4x4xf32>, tensor<2x2x1x1xf32>, tensor<2xf32>) -> tensor<?x2x4x4xf32> loc("behind")
    %h = pq.on_grid %p on <si8, 0.5> : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("middle")
    %e = onnx.add %d, %h : (tensor<?x2x4x4xf32>, tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("sum")
    %y = pq.on_grid %e on <si16, 0.5> : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("exit")
    %k = pq.on_grid %d on <si12, 0.0625> : (tensor<?x2x4x4xf32>) -> tensor<?x2x4x4xf32> loc("side")
    func.return %y : tensor<?x2x4x4xf32>
  }
}
