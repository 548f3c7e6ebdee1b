// RUN: pqc opt %s -p lower-to-pqa --print-debuginfo | filecheck %s

// Each operation of the quantized level becomes transfers and instructions over regions, one tile here.
// CHECK: pqa.program "pqa" accumulator_bits 16
// CHECK-NEXT: [[X:%[^ ]+]] = pqa.tensor "image" kind 0 <?x2x4x4xsi8, 0.5> : !pqa.region<dram, 32>

// Outputs stand in their order, whatever makes them.
// CHECK-NEXT: [[O0:%[^ ]+]] = pqa.tensor "flat" kind 1 <?x16xsi8, 0.5> : !pqa.region<dram, 16>
// CHECK-NEXT: [[O1:%[^ ]+]] = pqa.tensor "again" kind 1 <?x2x4x4xsi8, 0.5>
// CHECK-NEXT: [[O2:%[^ ]+]] = pqa.tensor "sum" kind 1 <?x2x4x4xsi8, 0.5>
// CHECK-NEXT: [[O3:%[^ ]+]] = pqa.tensor "twice" kind 1 <?x2x4x4xsi8, 0.5>

// A convolution: bias, parameters and weights, the slab, the accumulators' way out with the residual.
// CHECK: [[C:%[^ ]+]] = pqa.tensor "conv" kind 2 <?x2x4x4xui8, 0.25> : !pqa.region<dram, 32> loc("conv")
// CHECK: [[BD:%[^ ]+]] = pqa.constant <"bias"
// CHECK: [[B:%[^ ]+]] = pqa.allocate : !pqa.region<table, 8>
// CHECK: pqa.load dram = [[BD]], address = [[B]] <item_bytes = 8, items = 1, rows = 1, planes = 1, entry_bits = 32>
// CHECK: pqa.constant <"parameters"
// CHECK: [[R:%[^ ]+]] = pqa.allocate : !pqa.region<table, 16>
// CHECK: pqa.constant <"weights"
// CHECK: [[W:%[^ ]+]] = pqa.allocate : !pqa.region<table, 4>
// CHECK: [[A:%[^ ]+]] = pqa.allocate : !pqa.region<accumulator, 128>
// CHECK: [[S:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32>
// CHECK: pqa.load dram = [[X]], address = [[S]]
// CHECK: pqa.convolve source = [[S]], weights = [[W]], bias = [[B]], accumulator = [[A]] <{{.*}}groups = 1, outputs = 2, weight_bits = 8, first = 1>
// CHECK: [[E:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32>
// CHECK: pqa.load dram = [[X]], address = [[E]]
// CHECK: pqa.requantize accumulator = [[A]], parameters = [[R]], residual = [[E]], destination = [[D:%[^ ]+]] <wide = 1, outputs = 2, rows = 4, columns = 4, destination_plane_stride = 16, destination_row_stride = 4, high = 255, has_residual = 1, residual_storage = 1, residual_plane_stride = 16, residual_row_stride = 4>
// CHECK: pqa.store dram = [[C]], address = [[D]]

// Product quantization: encode and lookup are neighbours, the codes go through the FIFO.
// CHECK: pqa.tensor "pq" kind 2
// CHECK: [[K:%[^ ]+]] = pqa.allocate : !pqa.region<codebook, 4>
// CHECK: [[T:%[^ ]+]] = pqa.allocate : !pqa.region<table, 8>
// CHECK: pqa.encode source = [[S:%[^ ]+]], codebook = [[K]] <{{.*}}subspaces = 2, prototypes = 2, length = 1, prototype_bits = 8>
// CHECK-NEXT: pqa.lookup table = [[T]], bias = %{{[^ ]+}}, accumulator = [[A:%[^ ]+]] <subspaces = 2, prototypes = 2, outputs = 2, output_rows = 4, output_columns = 4, table_bits = 8, first = 1>
// CHECK: pqa.requantize accumulator = [[A]]

// CHECK: pqa.rescale {{.*}} <storage = 1, column_stride = 1, multiplier = 16384, shift = 14, destination_storage = 1, planes = 1, rows = 1, columns = 32, high = 127>
// CHECK: pqa.add {{.*}} <left_storage = 1, right_storage = 1, left_multiplier = 8192, right_multiplier = 16384, shift = 14, destination_storage = 1, planes = 1, rows = 1, columns = 32, low = -128, high = 127>
// CHECK: pqa.store dram = [[O2]]
// CHECK: pqa.pool {{.*}} <storage = 1, channels = 2, height = 4, width = 4, plane_stride = 16, row_stride = 4, kernel_height = 2, {{.*}}low = -128, high = 127, destination_storage = 1, destination_plane_stride = 16, destination_row_stride = 4>
// CHECK: pqa.pool {{.*}} mode = 1, multiplier = 16384, shift = 14,

// A slice is a strided load.
// CHECK: pqa.tensor "slice" kind 2
// CHECK: pqa.load {{.*}} <item_bytes = 2, items = 1, rows = 1, planes = 2, dram_plane_stride = 4, plane_stride = 2, dram_offset = 2, entry_bits = 8>
// CHECK-NEXT: pqa.store

// Padding is a fill, with the operand loaded into the middle of it.
// CHECK: [[P:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 8>
// CHECK-NEXT: pqa.fill destination = [[P]] <destination_storage = 1, planes = 1, rows = 1, columns = 8>
// CHECK-NEXT: pqa.load dram = %{{[^ ]+}}, address = [[P]] <item_bytes = 2, items = 1, rows = 1, planes = 2, dram_plane_stride = 2, plane_stride = 4, address_offset = 2, entry_bits = 8>
// CHECK-NEXT: pqa.store

// CHECK: pqa.tensor "transpose" kind 2
// CHECK: pqa.load {{.*}} <item_bytes = 1, items = 2, rows = 2, planes = 2, dram_plane_stride = 2, plane_stride = 4, dram_row_stride = 1, row_stride = 2, dram_item_stride = 4, item_stride = 1, entry_bits = 8>
// CHECK-NEXT: pqa.store

// A concatenation stores each operand at its place.
// CHECK: [[J:%[^ ]+]] = pqa.tensor "concat" kind 2 <?x4x2x2xsi8, 0.5>
// CHECK: pqa.store dram = [[J]], {{[^<]*}}<item_bytes = 8, items = 1, rows = 1, planes = 1>
// CHECK: pqa.store dram = [[J]], {{[^<]*}}<item_bytes = 8, items = 1, rows = 1, planes = 1, dram_offset = 8>

// A matrix product is a convolution of a map of one position; a reshape costs nothing in front of it.
// CHECK: pqa.tensor "gemm" kind 2 <?x2xsi16, 0.001> : !pqa.region<dram, 4>
// CHECK: pqa.load dram = %{{.*}} <item_bytes = 2, items = 1, rows = 1, planes = 1, entry_bits = 8>
// CHECK-NEXT: pqa.convolve {{.*}} <storage = 1, channels = 2, height = 1, width = 1, {{.*}}outputs = 2, weight_bits = 8, first = 1>
// CHECK: pqa.requantize {{.*}} <wide = 1, outputs = 2, rows = 1, columns = 1, destination_storage = 3, destination_plane_stride = 2, destination_row_stride = 2, low = -32768, high = 32767>

// What is returned as it came, as another shape, or for the second time, is copied.
// CHECK: pqa.load dram = [[J]]
// CHECK: pqa.store dram = [[O0]]
// CHECK: pqa.load dram = [[X]]
// CHECK: pqa.store dram = [[O1]]
// CHECK: pqa.load dram = [[O2]]
// CHECK: pqa.store dram = [[O3]]

builtin.module attributes {pqc.inputs = ["image"], pqc.outputs = ["flat", "again", "sum", "twice"], pqc.target = {accumulator_bits = 16 : i64, buffers = {accumulator = 64.0 : f64, activation = 256.0 : f64, codebook = 32.0 : f64, table = 512.0 : f64}, clock_mhz = 300.0 : f64, conventional = {accumulator_bits = 32 : i64, input_lanes = 8 : i64, output_lanes = 8 : i64}, dram = {bandwidth_gb_s = 35.2 : f64, efficiency = 0.8 : f64, latency_cycles = 0 : i64}, encode = {length_lanes = 16 : i64, metrics = ["l2", "l1"], prototype_lanes = 16 : i64, subspace_lanes = 16 : i64}, lookup = {output_lanes = 32 : i64, subspace_lanes = 16 : i64}, name = "pqa", requantize = "multiply", vector = {lanes = 32 : i64}}} {
  func.func @main(%x: !pq.tensor<?x2x4x4xsi8, 0.5>) -> (!pq.tensor<?x16xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5>) {
    %w = blob.constant <"w", "d7457762807e603b"> : tensor<2x2x1x1xsi8>
    %m = blob.constant <"m", "94287e942d8b5ac0"> : tensor<2x2xsi8>
    %v = blob.constant <"v", "eaafd2ce99b57536"> : tensor<2xsi32>
    %codebook = blob.constant <"codebook", "9da7965c42203e8e"> : tensor<2x2x1xui8>
    %table = blob.constant <"table", "c1b35f5bc83863dc"> : tensor<2x2x2xsi8>
    %s = qnn.conv2d %x, %w, %v <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> groups 1 weight_bits 8 : !pq.tensor<?x2x4x4xsi8, 0.5>, tensor<2x2x1x1xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi32> loc("conv")
    %c = qnn.requantize %s, %v, %v residual %x, %v : !pq.tensor<?x2x4x4xsi8, 0.5>, tensor<2xsi32> clip [0, 255] : tensor<?x2x4x4xsi32>, tensor<2xsi32>, tensor<2xsi32> -> !pq.tensor<?x2x4x4xui8, 0.25> loc("conv")
    %k = pq.encode %c, %codebook <[1, 1] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> metric "l2" shift 0 prototype_bits 8 : !pq.tensor<?x2x4x4xui8, 0.25>, tensor<2x2x1xui8> -> !pq.codes<[?, 2, 4, 4], 2> loc("pq")
    %l = pq.lookup %k, %table, %v table_bits 8 : !pq.codes<[?, 2, 4, 4], 2>, tensor<2x2x2xsi8>, tensor<2xsi32> -> tensor<?x2x4x4xsi16> loc("pq")
    %p = qnn.requantize %l, %v, %v clip [-128, 2] : tensor<?x2x4x4xsi16>, tensor<2xsi32>, tensor<2xsi32> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("pq")
    %r = qnn.rescale %p multiplier 16384 shift 14 clip [0, 127] : !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("relu")
    %a = qnn.add %p, %r multipliers [8192, 16384] shift 14 clip [-128, 127] : !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("add")
    %b = qnn.max_pool %a <[2, 2] strides [1, 1] pads [1, 1, 0, 0] dilations [1, 1]> : !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x2x4x4xsi8, 0.5> loc("max")
    %d = qnn.average_pool %b <[2, 2] strides [2, 2] pads [0, 0, 0, 0] dilations [1, 1]> mode 1 multiplier 16384 shift 14 clip [-128, 127] : !pq.tensor<?x2x4x4xsi8, 0.5> -> !pq.tensor<?x2x2x2xsi8, 0.5> loc("average")
    %i = qnn.slice %d starts [0, 1, 0] steps [1, 1, 1] : !pq.tensor<?x2x2x2xsi8, 0.5> -> !pq.tensor<?x2x1x2xsi8, 0.5> loc("slice")
    %o = qnn.pad %i before [0, 1, 0] after [0, 0, 0] : !pq.tensor<?x2x1x2xsi8, 0.5> -> !pq.tensor<?x2x2x2xsi8, 0.5> loc("pad")
    %n = qnn.transpose %o permutation [0, 2, 3, 1] : !pq.tensor<?x2x2x2xsi8, 0.5> -> !pq.tensor<?x2x2x2xsi8, 0.5> loc("transpose")
    %j = qnn.concat %n, %d axis 1 : !pq.tensor<?x2x2x2xsi8, 0.5>, !pq.tensor<?x2x2x2xsi8, 0.5> -> !pq.tensor<?x4x2x2xsi8, 0.5> loc("concat")
    %g = qnn.average_pool %d <[2, 2] strides [1, 1] pads [0, 0, 0, 0] dilations [1, 1]> mode 1 multiplier 16384 shift 14 clip [-128, 127] : !pq.tensor<?x2x2x2xsi8, 0.5> -> !pq.tensor<?x2x1x1xsi8, 0.5> loc("global")
    %f = qnn.reshape %g : !pq.tensor<?x2x1x1xsi8, 0.5> -> !pq.tensor<?x2xsi8, 0.5> loc("reshape")
    %z = qnn.gemm %f, %m, %v weight_bits 8 : !pq.tensor<?x2xsi8, 0.5>, tensor<2x2xsi8>, tensor<2xsi32> -> tensor<?x2xsi32> loc("gemm")
    %y = qnn.requantize %z, %v, %v clip [-32768, 32767] : tensor<?x2xsi32>, tensor<2xsi32>, tensor<2xsi32> -> !pq.tensor<?x2xsi16, 0.001> loc("gemm")
    %h = qnn.reshape %j : !pq.tensor<?x4x2x2xsi8, 0.5> -> !pq.tensor<?x16xsi8, 0.5> loc("flatten")
    func.return %h, %x, %a, %a : !pq.tensor<?x16xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5>, !pq.tensor<?x2x4x4xsi8, 0.5>
  }
}
