// RUN: pqc opt %s -p lower-to-pqa --print-debuginfo | filecheck %s

// Each operation of the quantized level becomes transfers and instructions over regions. Here every tensor finds room
// on chip; `lower-through-dram.mlir` has the same operations without that room.
// CHECK: pqa.program "pqa" accumulator_bits 16
// CHECK-NEXT: [[X:%[^ ]+]] = pqa.tensor "image" kind 0 <?x2x4x4xsi8, 0.5> : !pqa.region<dram, 32>

// Outputs stand in their order, whatever makes them.
// CHECK-NEXT: [[O0:%[^ ]+]] = pqa.tensor "flat" kind 1 <?x16xsi8, 0.5> : !pqa.region<dram, 16>
// CHECK-NEXT: [[O1:%[^ ]+]] = pqa.tensor "again" kind 1 <?x2x4x4xsi8, 0.5>
// CHECK-NEXT: [[O2:%[^ ]+]] = pqa.tensor "sum" kind 1 <?x2x4x4xsi8, 0.5>
// CHECK-NEXT: [[O3:%[^ ]+]] = pqa.tensor "twice" kind 1 <?x2x4x4xsi8, 0.5>

// An input is loaded once, piece by piece, to a place that the next frame's input can come to while this one is at work.
// CHECK-NEXT: [[I:%[^ ]+]] = pqa.allocate persistent : !pqa.region<activation, 32> loc("conv")
// CHECK-NEXT: pqa.load dram = [[X]], address = [[I]] <item_bytes = 4, items = 1, rows = 1, planes = 2, dram_plane_stride = 16, plane_stride = 16, entry_bits = 8>
// CHECK-NEXT: pqa.load dram = [[X]], address = [[I]] <dram_offset = 4, address_offset = 4, item_bytes = 4, items = 1, rows = 1, planes = 2, dram_plane_stride = 16, plane_stride = 16, entry_bits = 8>
// CHECK-COUNT-2: pqa.load dram = [[X]], address = [[I]]

// A convolution: weights; parameters of the requantization, with the bias behind them; the way out with the residual.
// Nothing else is loaded or stored: it reads its input where that lies, and leaves its result where the next one reads.
// CHECK-NEXT: [[C:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32> loc("conv")
// CHECK-NEXT: [[WD:%[^ ]+]] = pqa.constant <"weights"
// CHECK-NEXT: [[W:%[^ ]+]] = pqa.allocate : !pqa.region<table, 4>
// CHECK-NEXT: pqa.load dram = [[WD]], address = [[W]] <item_bytes = 4, items = 1, rows = 1, planes = 1, entry_bits = 8>
// CHECK-NEXT: [[RD:%[^ ]+]] = pqa.constant <"parameters"
// CHECK-NEXT: [[R:%[^ ]+]] = pqa.allocate : !pqa.region<table, 24>
// CHECK-NEXT: pqa.load dram = [[RD]], address = [[R]] <item_bytes = 24, items = 1, rows = 1, planes = 1, entry_bits = 32>
// CHECK-NEXT: [[A:%[^ ]+]] = pqa.allocate : !pqa.region<accumulator, 128>
// CHECK-NEXT: pqa.convolve source = [[I]], weights = [[W]], bias = [[R]], accumulator = [[A]] <storage = 1, channels = 2, height = 4, width = 4, plane_stride = 16, row_stride = 4, kernel = [1, 1], {{.*}}output_rows = 4, output_columns = 4, groups = 1, outputs = 2, weight_bits = 8, bias_offset = 16, first = 1>
// CHECK-NEXT: pqa.requantize accumulator = [[A]], parameters = [[R]], residual = [[I]], destination = [[C]] <wide = 1, outputs = 2, rows = 4, columns = 4, has_residual = 1, residual_storage = 1, residual_plane_stride = 16, residual_row_stride = 4, destination_plane_stride = 16, destination_row_stride = 4, high = 255>

// Product quantization: the codes go from the encode to the lookup through the FIFO.
// CHECK-NEXT: [[P:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32> loc("pq")
// CHECK: [[K:%[^ ]+]] = pqa.allocate : !pqa.region<codebook, 4>
// CHECK: pqa.encode source = [[C]], codebook = [[K]] <{{.*}}plane_stride = 16, row_stride = 4, {{.*}}subspaces = 2, prototypes = 2, length = 1, prototype_bits = 8>
// CHECK: [[R:%[^ ]+]] = pqa.allocate : !pqa.region<table, 24>
// CHECK: [[T:%[^ ]+]] = pqa.allocate : !pqa.region<table, 8>
// CHECK: [[A:%[^ ]+]] = pqa.allocate : !pqa.region<accumulator, 64>
// CHECK-NEXT: pqa.lookup table = [[T]], bias = [[R]], accumulator = [[A]] <bias_offset = 16, subspaces = 2, prototypes = 2, outputs = 2, output_rows = 4, output_columns = 4, table_bits = 8, first = 1>
// CHECK-NEXT: pqa.requantize accumulator = [[A]], parameters = [[R]], destination = [[P]]

// What works element by element works in four pieces, so that what follows can start before all of it is done.
// CHECK: [[E:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32> loc("relu")
// CHECK-NEXT: pqa.rescale source = [[P]], destination = [[E]] <storage = 1, plane_stride = 16, row_stride = 4, column_stride = 1, destination_storage = 1, destination_plane_stride = 16, destination_row_stride = 4, planes = 2, rows = 1, columns = 4, multiplier = 16384, shift = 14, high = 127>
// CHECK-NEXT: pqa.rescale source = [[P]], destination = [[E]] <source_offset = 4, storage = 1, plane_stride = 16, row_stride = 4, column_stride = 1, destination_offset = 4,
// CHECK-COUNT-2: pqa.rescale source = [[P]], destination = [[E]]

// Results of the network leave the chip; who reads one loads it again.
// CHECK-NEXT: [[Y:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32> loc("add")
// CHECK-NEXT: pqa.add left = [[P]], right = [[E]], destination = [[Y]] <left_storage = 1, left_plane_stride = 16, left_row_stride = 4, right_storage = 1, right_plane_stride = 16, right_row_stride = 4, destination_storage = 1, destination_plane_stride = 16, destination_row_stride = 4, planes = 2, rows = 4, columns = 4, left_multiplier = 8192, right_multiplier = 16384, shift = 14, low = -128, high = 127>
// CHECK-NEXT: pqa.store dram = [[O2]], address = [[Y]] <item_bytes = 32, items = 1, rows = 1, planes = 1>
// CHECK-NEXT: [[M:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32> loc("max")
// CHECK-NEXT: [[S:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 32>
// CHECK-NEXT: pqa.load dram = [[O2]], address = [[S]]
// CHECK-NEXT: pqa.pool source = [[S]], destination = [[M]] <storage = 1, channels = 2, height = 4, width = 4, plane_stride = 16, row_stride = 4, kernel = [2, 2], {{.*}}pad_top = 1, pad_left = 1, output_rows = 4, output_columns = 4, destination_storage = 1, destination_plane_stride = 16, destination_row_stride = 4, low = -128, high = 127>
// CHECK: [[V:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 8> loc("average")
// CHECK-NEXT: pqa.pool source = [[M]], destination = [[V]] <{{.*}}output_rows = 2, output_columns = 2, mode = 1, {{.*}}multiplier = 16384, shift = 14,

// What only moves bytes is a rescale by one: strides of the source make a slice and a transpose of it, the place of the
// destination a padding and a concatenation.
// CHECK: [[SL:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 4> loc("slice")
// CHECK-NEXT: pqa.rescale source = [[V]], destination = [[SL]] <source_offset = 2, storage = 1, plane_stride = 4, row_stride = 2, column_stride = 1, destination_storage = 1, destination_plane_stride = 2, destination_row_stride = 2, planes = 2, rows = 1, columns = 2, multiplier = 1, low = -128, high = 127>

// CHECK: [[PD:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 8> loc("pad")
// CHECK-NEXT: pqa.fill destination = [[PD]] <destination_storage = 1, destination_plane_stride = 4, destination_row_stride = 2, planes = 2, rows = 1, columns = 2>
// CHECK-NEXT: pqa.fill destination = [[PD]] <destination_offset = 2, destination_storage = 1,
// CHECK-NEXT: pqa.rescale source = [[SL]], destination = [[PD]] <storage = 1, plane_stride = 2, row_stride = 2, column_stride = 1, destination_offset = 2, destination_storage = 1, destination_plane_stride = 4, destination_row_stride = 2,

// CHECK: [[TR:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 8> loc("transpose")
// CHECK-NEXT: pqa.rescale source = [[PD]], destination = [[TR]] <storage = 1, plane_stride = 2, row_stride = 1, column_stride = 4, destination_storage = 1, destination_plane_stride = 4, destination_row_stride = 2,
// CHECK-NEXT: pqa.rescale source = [[PD]], destination = [[TR]] <source_offset = 1, storage = 1, plane_stride = 2, row_stride = 1, column_stride = 4, destination_offset = 2,

// CHECK: [[J:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 16> loc("concat")
// CHECK-COUNT-2: pqa.rescale source = [[TR]], destination = [[J]]
// CHECK-NEXT: pqa.rescale source = [[V]], destination = [[J]] <{{.*}}destination_offset = 8,
// CHECK-NEXT: pqa.rescale source = [[V]], destination = [[J]] <{{.*}}destination_offset = 10,

// A matrix product is a convolution of a map of one position; a reshape costs nothing in front of it. Equal constants
// are kept once. What nobody reads is stored all the same.
// CHECK: [[G:%[^ ]+]] = pqa.allocate : !pqa.region<activation, 2> loc("global")
// CHECK: pqa.tensor "gemm" kind 2 <?x2xsi16, 0.001> : !pqa.region<dram, 4>
// CHECK: pqa.load dram = [[WD]], address = [[W:%[^ ]+]] <
// CHECK: pqa.convolve source = [[G]], weights = [[W]], {{.*}} <storage = 1, channels = 2, height = 1, width = 1, {{.*}}outputs = 2, weight_bits = 8,
// CHECK: pqa.requantize {{.*}} <wide = 1, outputs = 2, rows = 1, columns = 1, destination_storage = 3, destination_plane_stride = 2, destination_row_stride = 2, low = -32768, high = 32767>

// What is returned as it came, as another shape, or for the second time, is copied.
// CHECK: pqa.store dram = [[O0]], address = [[J]]
// CHECK-COUNT-4: pqa.store dram = [[O1]], address = [[I]]
// CHECK: pqa.load dram = [[O2]], address = [[S:%[^ ]+]] <
// CHECK-NEXT: pqa.store dram = [[O3]], address = [[S]]

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
